import type pg from 'pg';
import type { Queryable } from '../database/connect.ts';
import { orm } from '../database/orm.ts';
import { walkTasks } from '../database/task-walk.ts';
import type { TaskFilter } from '../database/tasks.ts';
import { cancelByHand, runByHand, SameWorkError } from './by-hand.ts';
import type { Status } from './task.ts';

/** What is asked to be done by hand to every task that matches. */
export interface Bulk {
  filter: TaskFilter;
  /** Count only. */
  dryRun: boolean;
  /** Who asks: `api:NAME` */
  actor: string;
  /** Ends it after the chunk that is under way: what is done stays done. */
  signal: AbortSignal;
}

export interface BulkCounts {
  /** How many tasks matched. */
  matched: number;
  /** How many of them changed: none in a dry run, and none that is in a state already that it would be brought into. */
  changed: number;
}

/** Runs every matching task now, by the rules of `runByHand`. Tasks that are submitted meanwhile are left alone. */
export function runMatching(database: pg.Pool, bulk: Bulk): Promise<BulkCounts> {
  return inChunks(database, bulk, runOrLeave);
}

/** Cancels every matching task, by the rules of `cancelByHand`. Tasks that are submitted meanwhile are left alone. */
export function cancelMatching(database: pg.Pool, bulk: Bulk): Promise<BulkCounts> {
  return inChunks(database, bulk, cancelByHand);
}

/**
 * Each chunk is a transaction of its own: its rows are locked for less than 100 ms, in which claims skip them and a settle
 * waits. 100,000 tasks take 7 seconds. A task that leaves the status it was asked for, before its chunk comes, is left alone.
 */
async function inChunks(
  database: pg.Pool,
  { filter, dryRun, actor, signal }: Bulk,
  change: typeof runOrLeave,
): Promise<BulkCounts> {
  const counts: BulkCounts = { matched: 0, changed: 0 };
  for await (const ids of walkTasks(orm(database), filter, CHUNK)) {
    if (signal.aborted) break;
    counts.matched += ids.length;
    if (!dryRun) counts.changed += (await change(database, ids, actor, filter.status)).length;
  }
  return counts;
}

const CHUNK = 1000;

/** A task whose same work is submitted at this very moment is left alone; which one it is, is found by halving. */
async function runOrLeave(
  database: Queryable,
  ids: readonly string[],
  actor: string,
  statuses?: readonly Status[],
): Promise<string[]> {
  try {
    return await runByHand(database, ids, actor, statuses);
  } catch (error) {
    if (!(error instanceof SameWorkError)) throw error;
    if (ids.length === 1) return [];
    const middle = Math.ceil(ids.length / 2);
    const first = await runOrLeave(database, ids.slice(0, middle), actor, statuses);
    return [...first, ...(await runOrLeave(database, ids.slice(middle), actor, statuses))];
  }
}
