import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from 'hono';
import type { News, NewsItem } from '../../engine/news.ts';
import { BEGINNING, type Position, positionText, readPosition } from '../../engine/position.ts';
import type { TaskWatch } from '../../engine/task-watch.ts';
import { type Streams, tooManyStreams } from '../access/streams.ts';
import { eventStream, eventText } from '../answers/event-stream.ts';
import { heartbeatsUntil } from '../answers/heartbeats.ts';
import { badParameter } from '../requests/query.ts';
import { noSuchTask } from '../requests/task-id.ts';

export interface StreamParts {
  watch: TaskWatch;
  streams: Streams;
}

/**
 * Answers with a task's story as server-sent events, from the position that the client asks for on: 204 when there is
 * nothing left to tell, which makes a browser's EventSource stay away.
 * @param lastEventId of the query; the header of that name comes first
 * @throws Problem 400 when it is no id of such an event, 404 when there is no such task, 503 when too many are watched
 */
export async function streamTask(
  c: Context,
  { watch, streams }: StreamParts,
  id: string,
  lastEventId: string | undefined,
): Promise<Response> {
  const position = positionAsked(c.req.header('last-event-id') || lastEventId);
  const release = streams.take();
  if (release === null) throw tooManyStreams();
  try {
    const first = await watch.now(id, position);
    if (first === null) throw noSuchTask(id);
    if (!isAtEnd(position, first)) {
      return eventStream(c, (gone) => tell(watch, id, first, gone), {
        stopped: watch.stopped,
        over: release,
      });
    }
  } catch (error) {
    release();
    throw error;
  }
  release();
  return c.body(null, 204);
}

function positionAsked(text: string | undefined): Position {
  if (text === undefined || text === '') return BEGINNING;
  const position = readPosition(text);
  if (position === undefined) throw badParameter('the last event id is not one of a stream of a task');
  return position;
}

function isAtEnd(position: Position, { isOver, items }: News): boolean {
  return position.isEnd && isOver && items.length === 0;
}

async function* tell(
  watch: TaskWatch,
  id: string,
  first: News,
  gone: AbortSignal,
): AsyncGenerator<string, undefined> {
  yield RECONNECT;
  let hasSaidAll = isLongOver(first);
  let news: News | null | undefined = first;
  while (news) {
    const { position, task, isOver } = news;
    if (news.items.length > 0) yield textOf(id, news.items);
    hasSaidAll ||= isOver && task.status !== 'completed';
    if (isOver && hasSaidAll) {
      yield completeText(id, news);
      return;
    }
    if (isOver) await lastWords(gone);
    hasSaidAll = isOver;
    const next = watch.next(id, position, gone);
    yield* heartbeatsUntil(next);
    news = await next;
    if (news === null) yield goneText(id, position);
  }
}

/** Whether a task that completed has done so long enough ago for all that it had to say to be there. */
function isLongOver({ isOver, quietSeconds }: News): boolean {
  return isOver && quietSeconds * 1000 > LAST_WORDS_MS;
}

/**
 * A task that completes itself may log a line after that; one that its runner settled has said everything before.
 * Which it was nobody can tell, so every task that completes is given a moment.
 */
async function lastWords(gone: AbortSignal): Promise<void> {
  await sleep(LAST_WORDS_MS, undefined, { signal: gone }).catch(() => {});
}

function textOf(id: string, items: readonly NewsItem[]): string {
  return items.map((item) => eventText(item.kind, positionText(item.position), dataOf(id, item))).join('');
}

/** `type`, and a line's `timestamp` and `status`, are what clients of SeedCore look at. */
function dataOf(task_id: string, item: NewsItem): object {
  switch (item.kind) {
    case 'status': {
      const { kept: _kept, ...change } = item.change;
      return { type: 'status', task_id, status: change.to, ...change, message: change.detail };
    }
    case 'progress': {
      const { fraction, message } = item.progress;
      return { type: 'progress', task_id, fraction, message };
    }
    case 'log': {
      const { id: _id, ...line } = item.line;
      return { type: 'log', task_id, status: item.position.status, timestamp: line.at, ...line };
    }
  }
}

function completeText(task_id: string, { task, position }: News): string {
  const { status, result, error } = task;
  const message = error === null ? `The task is ${status}.` : `The task is ${status}: ${error}`;
  const data = { type: 'complete', task_id, status, result, error, message };
  return eventText('complete', positionText({ ...position, isEnd: true }), data);
}

function goneText(task_id: string, position: Position): string {
  const data = { type: 'error', task_id, message: 'The task was deleted.' };
  return eventText('error', positionText(position), data);
}

/** After how many milliseconds a client comes back when the connection breaks. */
const RECONNECT = 'retry: 1000\n\n';

const LAST_WORDS_MS = 250;
