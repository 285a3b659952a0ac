import type { Context } from 'hono';
import { accepts } from 'hono/accepts';
import { orm } from '../../database/orm.ts';
import { readLogs } from '../../database/task-history.ts';
import { taskFinder } from '../../database/tasks.ts';
import { Streams } from '../access/streams.ts';
import type { Operations } from '../contract/operations.ts';
import type { AppParts } from '../parts.ts';
import { noSuchTask, taskId } from '../requests/task-id.ts';
import { eventStreamText, logLines, logsQuery } from '../schemas/tasks.ts';
import { streamTask } from './task-stream.ts';

/** `GET /tasks/{id}/logs`: what a task has logged, or its whole story while it happens. */
export function taskLogRoute(api: Operations, { config, database, observe, watch }: AppParts): void {
  const reads = orm(database);
  const findTask = taskFinder(reads);
  const streams = new Streams(config.http.maxStreams, observe);

  api.on(
    {
      method: 'get',
      path: '/api/v1/tasks/{id}/logs',
      operationId: 'listTaskLogs',
      summary: 'List what a task has logged, the oldest first, or watch it',
      description: STORY,
      tag: 'tasks',
      role: 'viewer',
      query: logsQuery,
      requestHeaders: {
        Accept: '`text/event-stream` asks for the stream',
        'Last-Event-ID': 'The id of the last event that was received: the stream goes on after it',
      },
      answers: {
        200: {
          description: 'Its log lines, or the stream',
          schema: logLines,
          otherMedia: { [STREAM]: eventStreamText },
        },
        204: { description: 'The stream has ended, and the last event was its last' },
      },
    },
    async (c, { query }) => {
      const id = await taskId(c, database);
      if (wantsStream(c, query)) return streamTask(c, { watch, streams }, id, query.last_event_id);
      const items = await readLogs(reads, id);
      if (items.length === 0 && (await findTask(id)) === undefined) throw noSuchTask(id);
      return c.json({ items });
    },
  );
}

const JSON_TYPE = 'application/json';
const STREAM = 'text/event-stream';

/** Clients of SeedCore say it by their parameter alone. Who asks for the head only would never take the rest. */
function wantsStream(c: Context, { poll_interval }: { poll_interval?: string | undefined }): boolean {
  if (c.req.method === 'HEAD') return false;
  const asked = accepts(c, { header: 'Accept', supports: [JSON_TYPE, STREAM], default: JSON_TYPE });
  return asked === STREAM || poll_interval !== undefined;
}

const STORY = `With \`Accept: text/event-stream\` it is a stream of server-sent events that tells a task's story from its \
beginning and goes on while it happens. Data is JSON with \`type\` and \`task_id\`: \`status\` is a state change as in \
\`/events\`, with the \`status\` that it led to; \`progress\` has \`fraction\` and \`message\`; \`log\` is a line as in \
the list; \`complete\` has the final \`status\`, the \`result\`, the \`error\` and a \`message\`, and is the last; \
\`error\` has a \`message\`: the task was deleted. Every event has an id, and any API process goes on after it.`;
