import type { RetryPolicy } from '../../../../drizzle/schema/tasks.ts';
import { orm } from '../../database/orm.ts';
import { listTaskTypes } from '../../database/task-types.ts';
import type { Operations } from '../contract/operations.ts';
import type { ApiParts } from '../parts.ts';
import { taskTypes } from '../schemas/task-types.ts';

/** `GET /task-types`. */
export function taskTypeRoutes(api: Operations, { database }: ApiParts): void {
  const reads = orm(database);

  api.on(
    {
      method: 'get',
      path: '/api/v1/task-types',
      operationId: 'listTaskTypes',
      summary: 'List what can be submitted and what runs by itself',
      tag: 'task types',
      role: 'viewer',
      answers: { 200: { description: 'The task types, by name', schema: taskTypes } },
    },
    async (c) => {
      const types = await listTaskTypes(reads);
      return c.json({ items: types.map((type) => ({ ...type, retry: retryJson(type.retry) })) });
    },
  );
}

/** The API's names are in snake_case, task authors' are not. */
function retryJson(retry: RetryPolicy) {
  if (retry.strategy === 'cooldown') return retry;
  const { maxSeconds, jitter, ...rest } = retry;
  return { ...rest, max_seconds: maxSeconds, jitter };
}
