import type { Queryable } from '../database/connect.ts';
import { CLAIM, FIND_CLAIMED } from './sql/claim.ts';

/** A task that this runner holds until it is settled. */
export interface ClaimedTask {
  id: string;
  type: string;
  /** JSON text: only the thread parses it. */
  params: string;
  claim_token: string;
  attempt: number;
  max_retries: number;
  attempts_forgiven: number;
  created_at_ms: number;
  domain: string | null;
  description: string | null;
  timeout_seconds: number | null;
  unique_key: string | null;
  has_dependencies: boolean;
  /** From when it was due until it was claimed, by the database's clock. */
  waited_ms: number;
  /** When it was claimed, by `performance.now()`. */
  claimed_at: number;
}

/** How much of a type a runner can take. */
export interface Wanted {
  type: string;
  /** The most of this type. */
  free: number;
  /** Its attempts are known to be short: more of them may be claimed than there are free threads. */
  quick: boolean;
  /** A periodic type: a due tick goes before queued database tasks. */
  tick: boolean;
}

/**
 * Claims due tasks for a runner, the most urgent first. Each gets a claim token that was never used before.
 * @param most the most tasks in all
 * @param mostSlow the most tasks of types that are not quick
 */
export async function claim(
  database: Queryable,
  runnerId: string,
  wanted: readonly Wanted[],
  most: number,
  mostSlow: number,
): Promise<ClaimedTask[]> {
  const { rows } = await database.query<ClaimedTask>({
    name: 'claim',
    text: CLAIM,
    values: [runnerId, JSON.stringify(wanted), most, mostSlow],
  });
  return stamped(rows);
}

/** The tasks that a runner has claimed, but for those it knows of. @param known claim tokens */
export async function findClaimed(
  database: Queryable,
  runnerId: string,
  known: readonly string[],
): Promise<ClaimedTask[]> {
  const { rows } = await database.query<ClaimedTask>(FIND_CLAIMED, [runnerId, known]);
  return stamped(rows);
}

function stamped(tasks: ClaimedTask[]): ClaimedTask[] {
  const claimed_at = performance.now();
  for (const task of tasks) task.claimed_at = claimed_at;
  return tasks;
}
