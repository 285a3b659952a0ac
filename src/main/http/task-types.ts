import { Hono } from 'hono';
import type { RetryPolicy } from '../../../drizzle/schema/tasks.ts';
import { orm } from '../database/orm.ts';
import { listTaskTypes } from '../database/task-types.ts';
import type { ApiParts } from './parts.ts';

/** `GET /task-types`. */
export function taskTypeRoutes({ database }: ApiParts): Hono {
  const reads = orm(database);

  return new Hono().get('/task-types', async (c) => {
    const types = await listTaskTypes(reads);
    return c.json({ items: types.map((type) => ({ ...type, retry: retryJson(type.retry) })) });
  });
}

/** The API's names are in snake_case, task authors' are not. */
function retryJson(retry: RetryPolicy) {
  if (retry.strategy === 'cooldown') return retry;
  const { maxSeconds, jitter, ...rest } = retry;
  return { ...rest, max_seconds: maxSeconds, jitter };
}
