import type { z } from 'zod';
import type { Fresh } from '../../database/statistics/fresh.ts';
import type { QueueCounts } from '../../database/statistics/queue.ts';
import type { Statistics } from '../../database/statistics/read.ts';
import type { Operations } from '../contract/operations.ts';
import { statistics } from '../schemas/statistics.ts';

/** `GET /stats`. */
export function statisticsRoutes(api: Operations, fresh: Fresh<Statistics>): void {
  api.on(
    {
      method: 'get',
      path: '/api/v1/stats',
      operationId: 'getStatistics',
      summary: 'See how things stand',
      description: 'At most 5 seconds old.',
      tag: 'statistics',
      role: 'viewer',
      answers: { 200: { description: 'Tasks, the queue, and the last hour', schema: statistics } },
    },
    async (c) => c.json(toAnswer(await fresh.get())),
  );
}

function toAnswer({ tasks, queue, last_hour }: Statistics): z.input<typeof statistics> {
  const { by_status, by_type, is_estimate } = tasks;
  return {
    tasks: { by_status, by_type, ...(is_estimate && { is_estimate }) },
    queue: ofAllTypes(queue),
    last_hour,
  };
}

function ofAllTypes({ types, is_estimate }: QueueCounts): z.input<typeof statistics>['queue'] {
  const ages = types.flatMap(({ oldest_ready_age_seconds: age }) => (age === null ? [] : [age]));
  return {
    ready: types.reduce((sum, { ready }) => sum + ready, 0),
    scheduled: types.reduce((sum, { scheduled }) => sum + scheduled, 0),
    oldest_ready_age_seconds: ages.length === 0 ? null : Number(Math.max(...ages).toFixed(3)),
    ...(is_estimate && { is_estimate }),
  };
}
