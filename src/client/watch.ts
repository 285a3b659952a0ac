import { ConnectionError } from './errors.ts';
import { readEvents, type ServerSentEvent } from './event-stream.ts';
import { pause } from './pause.ts';
import { pauseMs } from './retry.ts';
import type { Transport } from './transport.ts';
import type { TaskEvent } from './types.ts';

export interface WatchOptions {
  signal?: AbortSignal | undefined;
  /** Of the last event that is known already: the story goes on after it. */
  lastEventId?: string | undefined;
}

/**
 * Tells a task's story as the API's stream does, over as many connections as that takes: each goes on where the one
 * before broke. Ends after `complete`.
 * @throws HeddleError when there is no such task, or it is deleted meanwhile; ConnectionError when one connection after
 * the other breaks without a word
 */
export async function* watchTask(
  transport: Transport,
  id: string,
  { signal, lastEventId: since }: WatchOptions,
): AsyncGenerator<TaskEvent, undefined> {
  let lastEventId = since;
  let silent = 0;
  for (;;) {
    const response = await connect(transport, id, lastEventId, signal);
    if (response.status === 204) return; // Everything was told before.
    silent++;
    for await (const event of eventsOf(response, signal)) {
      silent = 0;
      lastEventId = event.lastEventId;
      if (event.event === 'error') break; // It was deleted, which the next connection will say.
      const told = { ...JSON.parse(event.data), lastEventId } as TaskEvent;
      yield told;
      if (told.type === 'complete') return;
    }
    if (silent > transport.retries) throw new ConnectionError(`the stream of the task ${id} breaks at once`);
    await pause(pauseMs(silent + 1, null, Date.now(), Math.random()), signal);
  }
}

function connect(
  transport: Transport,
  id: string,
  lastEventId: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Response> {
  return transport.open({
    method: 'GET',
    path: `/api/v1/tasks/${encodeURIComponent(id)}/logs`,
    headers: {
      accept: 'text/event-stream',
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    },
    signal,
  });
}

/** A connection that breaks has ended, however that came. @throws the signal's reason */
async function* eventsOf(
  { body }: Response,
  signal: AbortSignal | undefined,
): AsyncGenerator<ServerSentEvent, undefined> {
  try {
    if (body !== null) yield* readEvents(body, IDLE_MS, signal);
  } catch {
    signal?.throwIfAborted();
  }
}

/** The API sends something every 15 seconds. */
const IDLE_MS = 45_000;
