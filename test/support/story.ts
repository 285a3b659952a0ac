import { readEvents } from '../../src/client/event-stream.ts';

/** An event of a task's stream, its data read. */
export interface Told {
  event: string;
  id: string;
  // biome-ignore lint/suspicious/noExplicitAny: assertions are what checks the shape of data
  data: any;
}

/** Asks an API for a task's stream, over a socket. */
export function askForStory(
  url: string,
  id: string,
  headers: Record<string, string> = {},
  init: RequestInit = {},
): Promise<Response> {
  return fetch(`${url}/api/v1/tasks/${id}/logs`, {
    ...init,
    headers: { accept: 'text/event-stream', ...headers },
  });
}

/** The events of such an answer. */
export async function* storyOf({ body }: Response): AsyncGenerator<Told, undefined> {
  if (body === null) return;
  for await (const { event, data, lastEventId } of readEvents(body, 60_000, undefined)) {
    yield { event, id: lastEventId, data: JSON.parse(data) };
  }
}

/** All events until the stream ends. */
export async function wholeStory(response: Response): Promise<Told[]> {
  const story: Told[] = [];
  for await (const told of storyOf(response)) story.push(told);
  return story;
}

/** Each event in a word. */
export function brief(story: readonly Told[]): string {
  return story.map(({ event, data }) => `${event}:${BRIEF[event]?.(data) ?? '?'}`).join(' ');
}

const BRIEF: Record<string, (data: Told['data']) => unknown> = {
  status: ({ status }) => status,
  progress: ({ fraction }) => fraction,
  log: ({ message }) => message,
  complete: ({ status }) => status,
  error: ({ message }) => message,
};
