import { setTimeout as sleep } from 'node:timers/promises';
import { describe, type Queryable } from '../database/connect.ts';
import { isAway } from '../database/errors.ts';
import type { Observe } from '../observe/events.ts';
import type { ClaimedTask } from './claim.ts';
import { END_BACKENDS } from './sql/attempt.ts';

/**
 * Ends what an attempt still does in the database: a statement that was sent would otherwise run on, and commit.
 * Resolves when its backends are gone, however long the database is away. A server that refuses to end them is told of,
 * and is no reason not to settle: the settle is fenced.
 */
export async function endBackends(
  database: Queryable,
  observe: Observe,
  { id, claim_token }: Pick<ClaimedTask, 'id' | 'claim_token'>,
): Promise<void> {
  for (;;) {
    try {
      const { rows } = await database.query<{ ended: number }>(END_BACKENDS, [`heddle:${id}:${claim_token}`]);
      const count = rows[0]?.ended ?? 0;
      if (count > 0) observe({ event: 'backends_terminated', count, task_id: id });
      return;
    } catch (error) {
      observe({ event: 'database_error', during: 'ending backends', ...describe(error) });
      if (!isAway(error)) return;
      await sleep(RETRY_MS);
    }
  }
}

const RETRY_MS = 500;
