import type { Context } from 'hono';
import type { z } from 'zod';
import { unstorable } from '../../database/storable.ts';
import { type Bulk, cancelMatching, runMatching } from '../../engine/bulk.ts';
import type { Operations } from '../contract/operations.ts';
import type { AppParts } from '../parts.ts';
import { invalid } from '../requests/body.ts';
import { bulkBody, bulkCounts } from '../schemas/bulk.ts';

/** `POST /tasks/run` and `POST /tasks/cancel`: by hand, with every task that matches. */
export function bulkRoutes(api: Operations, { database }: AppParts): void {
  api.on(
    {
      ...BULK,
      path: '/api/v1/tasks/run',
      operationId: 'runTasks',
      summary: 'Run all tasks that match now',
      description: `Each as if it were run alone: running and completed ones stay as they are, and so does one whose same work is under way. ${IN_CHUNKS}`,
    },
    async (c, { body }) => c.json(await runMatching(database, toBulk(c, body))),
  );

  api.on(
    {
      ...BULK,
      path: '/api/v1/tasks/cancel',
      operationId: 'cancelTasks',
      summary: 'Cancel all tasks that match',
      description: `Each as if it were cancelled alone: those that run are told to end, finished ones stay as they are. ${IN_CHUNKS}`,
    },
    async (c, { body }) => c.json(await cancelMatching(database, toBulk(c, body))),
  );
}

const IN_CHUNKS =
  'Done in chunks, the oldest first; tasks that are submitted meanwhile are left alone. A caller that goes away ends it after a chunk: what is done stays done.';

/** What both have in common. */
const BULK = {
  method: 'post',
  tag: 'tasks',
  role: 'operator',
  body: bulkBody,
  answers: { 200: { description: 'How many matched, and how many changed', schema: bulkCounts } },
} as const;

function toBulk(c: Context, body: z.output<typeof bulkBody>): Bulk {
  const faults = unstorable(body);
  if (faults.length > 0) throw invalid(faults);
  const { dry_run, all: _, status, ...filter } = body;
  return {
    filter: {
      status: typeof status === 'string' ? [status] : (status ?? undefined),
      ...withoutNulls(filter),
    },
    dryRun: dry_run === true,
    actor: c.get('caller').actor,
    signal: c.req.raw.signal,
  };
}

type WithoutNulls<T> = { [K in keyof T]: Exclude<T[K], null> };

function withoutNulls<T extends object>(fields: T): WithoutNulls<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as WithoutNulls<T>;
}
