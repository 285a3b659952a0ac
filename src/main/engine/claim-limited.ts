import type { Limits } from '../../workers/protocol.ts';
import type { Queryable } from '../database/connect.ts';
import { askForTasks, type Wanted } from './claim.ts';
import type { ClaimedTask } from './claimed-task.ts';
import { AGED_SECONDS, CLAIM_LIMITED } from './sql/claim.ts';
import { FIND_DUE, NEXT_START, TAKE_KEYS } from './sql/limits.ts';

/** Types that have something due. Those without limits are claimed together: then `type` is null. */
export interface Due {
  type: string | null;
  /** Tasks of it have no keys yet. */
  keyless: boolean;
}

/** Which of the wanted types have something due, the one with the most urgent task first. */
export async function findDue(
  database: Queryable,
  wanted: readonly (Wanted & { limited: boolean })[],
): Promise<Due[]> {
  const { rows } = await database.query<Due>({
    name: 'find-due',
    text: FIND_DUE,
    values: [JSON.stringify(wanted)],
  });
  return rows;
}

/**
 * Claims due tasks of one type as far as its limits leave room, the most urgent first, or by age. Runners that do this
 * for the same type at once wait for each other.
 */
export async function claimLimited(
  database: Queryable,
  runnerId: string,
  { type, free }: Wanted,
  limits: Limits,
  order: 'by urgency' | 'by age',
): Promise<ClaimedTask[]> {
  const aged = order === 'by age' ? AGED_SECONDS : null;
  const values = [type, runnerId, free, JSON.stringify(limits), aged];
  return askForTasks(database, { name: 'claim-limited', text: CLAIM_LIMITED, values });
}

/** In how many milliseconds a rate limit may leave room again, or null when nothing counts against it. */
export async function nextStart(database: Queryable, type: string): Promise<number | null> {
  const { rows } = await database.query<{ in_ms: number | null }>(NEXT_START, [type]);
  return rows[0]?.in_ms ?? null;
}

/** Takes the keys from queued tasks of types that have no limits any more: only so are they claimed. */
export async function takeKeys(database: Queryable, types: readonly string[]): Promise<void> {
  if (types.length > 0) await database.query(TAKE_KEYS, [types]);
}
