import type { Status } from '../../engine/task.ts';
import type { Queryable } from '../connect.ts';
import type { Expectations } from './expectations.ts';
import type { QueueCounts } from './queue.ts';
import { COUNT_ALL, COUNT_BY_STATUS, COUNT_FINISHED_BY_TYPE, IS_SMALL } from './sql.ts';

export interface TaskCounts {
  by_status: Record<Status, number>;
  by_type: Record<string, number>;
  is_estimate: boolean;
}

/** Whether the table is so small that all of it can be counted. */
export async function isSmall(database: Queryable): Promise<boolean> {
  const { rows } = await database.query<{ is_small: boolean }>(IS_SMALL, [SMALL_PAGES]);
  return rows[0]?.is_small === true;
}

/** 16 MB: some ten thousand tasks. */
const SMALL_PAGES = 2048;

/** Counts all tasks, one by one. */
export async function countAll(database: Queryable): Promise<TaskCounts> {
  const { rows } = await database.query<{ type: string; status: Status; count: number }>(COUNT_ALL);
  const by_status = { ...NONE };
  const types = new Sums();
  for (const { type, status, count } of rows) {
    by_status[status] += count;
    types.add(type, count);
  }
  return { by_status, by_type: types.toObject(), is_estimate: false };
}

const NONE: Record<Status, number> = {
  created: 0,
  queued: 0,
  running: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
};

/** What of a large table can be counted at once, besides the queue. `is_cut` says that there are more. */
export interface Counted {
  byStatus: readonly CountOfStatus[];
  finished: readonly CountOfType[];
}

interface CountOfStatus {
  status: Exclude<Status, 'queued' | 'completed'>;
  /** Null for finished ones. */
  type: string | null;
  count: number;
  is_cut: boolean;
}

interface CountOfType {
  type: string;
  count: number;
  is_cut: boolean;
}

/** Counts it. @throws Error when the database does not answer */
export async function countSome(database: Queryable): Promise<Counted> {
  const byStatus = await database.query<CountOfStatus>(COUNT_BY_STATUS, [MOST_OF_STATUS]);
  const finished = await database.query<CountOfType>(COUNT_FINISHED_BY_TYPE, [MOST_FINISHED]);
  return { byStatus: byStatus.rows, finished: finished.rows };
}

const MOST_OF_STATUS = 1000;
const MOST_FINISHED = 5000;

/** Takes what was counted where that was all, and else what is expected. */
export function estimateTasks(counted: Counted, queue: QueueCounts, expected: Expectations): TaskCounts {
  return {
    by_status: statusesOf(counted, queue, expected),
    by_type: typesOf(counted, queue, expected),
    is_estimate: true,
  };
}

/** Of all that there is, what is in no other status is completed. */
function statusesOf(
  { byStatus }: Counted,
  queue: QueueCounts,
  expected: Expectations,
): Record<Status, number> {
  const statuses = { ...NONE };
  for (const { status, count } of byStatus) statuses[status] += count;
  for (const { status, is_cut } of byStatus) {
    if (is_cut) statuses[status] = Math.max(statuses[status], expected.of('status', status) ?? 0);
  }
  for (const { ready, scheduled } of queue.types) statuses.queued += ready + scheduled;
  const others = Object.values(statuses).reduce((sum, count) => sum + count, 0);
  return { ...statuses, completed: Math.max(0, expected.rows - others) };
}

function typesOf(
  { byStatus, finished }: Counted,
  queue: QueueCounts,
  expected: Expectations,
): Record<string, number> {
  const types = new Sums();
  for (const { type, count } of finished) types.add(type, count);
  for (const { type, count } of byStatus) if (type !== null) types.add(type, count);
  for (const { type, ready, scheduled } of queue.types) types.add(type, ready + scheduled);
  for (const { type, is_cut } of finished) {
    if (is_cut) types.raise(type, expected.of('type', type) ?? 0);
  }
  return types.toObject();
}

/** Counts by name. */
class Sums {
  readonly #counts = new Map<string, number>();

  add(name: string, count: number): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  /** It is at least so many. */
  raise(name: string, least: number): void {
    this.#counts.set(name, Math.max(least, this.#counts.get(name) ?? 0));
  }

  /** In the order of names. */
  toObject(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
