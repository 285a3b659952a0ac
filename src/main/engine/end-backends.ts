import { setTimeout as sleep } from 'node:timers/promises';
import type { Queryable } from '../database/connect.ts';
import { describe, isAway } from '../database/errors.ts';
import type { Observe } from '../observe/events.ts';
import type { ClaimedTask } from './claimed-task.ts';
import { END_BACKENDS_OF_ATTEMPT, END_BACKENDS_OF_RUNNER } from './sql/attempt.ts';

/**
 * Ends what an attempt still does in the database: a statement that was sent would otherwise run on, and commit.
 * Resolves when its backends are gone, however long the database is away. A server that refuses to end them is told of,
 * and is no reason not to settle: the settle is fenced.
 */
export function endBackendsOfAttempt(
  database: Queryable,
  observe: Observe,
  { id, claim_token }: Pick<ClaimedTask, 'id' | 'claim_token'>,
): Promise<void> {
  const whose = { task_id: id };
  return endBackends(database, observe, whose, END_BACKENDS_OF_ATTEMPT, `heddle:${id}:${claim_token}`);
}

/** The same for everything that a dead runner and the attempts it ran still do. */
export function endBackendsOfRunner(database: Queryable, observe: Observe, id: string): Promise<void> {
  return endBackends(database, observe, { runner_id: id }, END_BACKENDS_OF_RUNNER, id);
}

async function endBackends(
  database: Queryable,
  observe: Observe,
  whose: { task_id: string } | { runner_id: string },
  statement: string,
  value: string,
): Promise<void> {
  for (;;) {
    try {
      const { rows } = await database.query<{ ended: number }>(statement, [value]);
      const count = rows[0]?.ended ?? 0;
      if (count > 0) observe({ event: 'backends_terminated', count, ...whose });
      return;
    } catch (error) {
      observe({ event: 'database_error', during: 'ending backends', ...describe(error) });
      if (!isAway(error)) return;
      await sleep(RETRY_MS);
    }
  }
}

const RETRY_MS = 500;
