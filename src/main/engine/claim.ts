import type pg from 'pg';
import type { Queryable } from '../database/connect.ts';
import type { ClaimPositions } from './claim-positions.ts';
import { ClaimedTask } from './claimed-task.ts';
import { CLAIM, CLAIM_AHEAD, CLAIM_BY_AGE, FIND_CLAIMED } from './sql/claim.ts';

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

/** What a runner can take now. */
export interface Room {
  wanted: readonly Wanted[];
  /** The most tasks in all. */
  most: number;
  /** The most tasks of types that are not quick. */
  mostSlow: number;
}

/** Claims due tasks of types without limits, the most urgent first. Each gets a claim token that was never used before. */
export async function claim(database: Queryable, runnerId: string, room: Room): Promise<ClaimedTask[]> {
  const tasks = await run(database, { name: 'claim', text: CLAIM }, runnerId, room);
  return ticksFirst(tasks, room, byUrgency);
}

/** The same, from where the runner has come to in the queues of its types. */
export async function claimAhead(
  database: Queryable,
  runnerId: string,
  room: Room,
  positions: ClaimPositions,
): Promise<ClaimedTask[]> {
  const now = performance.now();
  const wanted = room.wanted.map((one) => ({ ...one, probes: positions.probes(one, now) }));
  const tasks = await run(database, { name: 'claim-ahead', text: CLAIM_AHEAD }, runnerId, {
    ...room,
    wanted,
  });
  return ticksFirst(tasks, room, byUrgency);
}

/** The same for those that have been due for long, the longest first. */
export async function claimByAge(database: Queryable, runnerId: string, room: Room): Promise<ClaimedTask[]> {
  const tasks = await run(database, { name: 'claim-by-age', text: CLAIM_BY_AGE }, runnerId, room);
  return ticksFirst(tasks, room, (a, b) => b.waited_ms - a.waited_ms || a.priority - b.priority);
}

function byUrgency(a: ClaimedTask, b: ClaimedTask): number {
  return a.priority - b.priority || b.waited_ms - a.waited_ms;
}

async function run(
  database: Queryable,
  statement: { name: string; text: string },
  runnerId: string,
  { wanted, most, mostSlow }: Room,
): Promise<ClaimedTask[]> {
  const values = [runnerId, JSON.stringify(wanted), most, mostSlow];
  return askForTasks(database, { ...statement, values });
}

/** The tasks that a runner has claimed, but for those it knows of. @param known claim tokens */
export async function findClaimed(
  database: Queryable,
  runnerId: string,
  known: readonly string[],
): Promise<ClaimedTask[]> {
  return askForTasks(database, { text: FIND_CLAIMED, values: [runnerId, known] });
}

/** In the order that their claim has chosen them by. They were due at different times just if they have waited so. */
function ticksFirst(
  tasks: ClaimedTask[],
  { wanted }: Room,
  order: (a: ClaimedTask, b: ClaimedTask) => number,
): ClaimedTask[] {
  const ticks = new Set(wanted.filter(({ tick }) => tick).map(({ type }) => type));
  const rank = ({ type }: ClaimedTask) => (ticks.has(type) ? 0 : 1);
  return tasks.sort((a, b) => rank(a) - rank(b) || order(a, b) || (a.id < b.id ? -1 : 1));
}

/** Sends a statement that returns claimed tasks. */
export async function askForTasks(database: Queryable, statement: pg.QueryConfig): Promise<ClaimedTask[]> {
  const claimedAt = performance.now();
  const asRows: pg.QueryArrayConfig = { ...statement, rowMode: 'array' };
  const { rows } = await database.query(asRows);
  return rows.map((row) => new ClaimedTask(row as never, claimedAt));
}
