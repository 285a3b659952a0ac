import type { Queryable } from '../connect.ts';
import type { Expectations } from './expectations.ts';
import { QUEUE } from './sql.ts';

/** What is queued of a type. */
export interface QueuedType {
  type: string;
  /** Due. */
  ready: number;
  /** Due later. */
  scheduled: number;
  /** How long the one has been due that has waited longest, or null when none is. */
  oldest_ready_age_seconds: number | null;
  /** A runner has published it. */
  is_known: boolean;
}

export interface QueueCounts {
  types: QueuedType[];
  /** There are more than were counted. */
  is_estimate: boolean;
}

/** A type as it was counted. */
export interface CountedType extends QueuedType {
  /** The count ended early, because there are too many. */
  ready_is_cut: boolean;
  scheduled_is_cut: boolean;
}

/** Counts what is queued, by type, up to 10,000 tasks or so. @throws Error when the database does not answer */
export async function countQueue(database: Queryable): Promise<CountedType[]> {
  const { rows } = await database.query<CountedType>(QUEUE, [MOST_COUNTED]);
  return rows;
}

const MOST_COUNTED = 10_000;

/** Whether there are more than were counted. */
export function isCut(types: readonly CountedType[]): boolean {
  return types.some(({ ready_is_cut, scheduled_is_cut }) => ready_is_cut || scheduled_is_cut);
}

/**
 * What was counted where that was all. The rest of what is expected to be queued is shared out among the others, as a
 * sample of the table suggests.
 */
export function completeQueue(counted: readonly CountedType[], expected: Expectations | null): QueueCounts {
  const rest = expected === null ? 0 : restOf(counted, expected);
  const types = counted.map(({ ready_is_cut, scheduled_is_cut, ...counts }) => {
    const inAll = (column: 'ready' | 'scheduled') =>
      Math.round(rest * (expected?.of(column, counts.type) ?? 0));
    return {
      ...counts,
      ready: Math.max(counts.ready, ready_is_cut ? inAll('ready') : 0),
      scheduled: Math.max(counts.scheduled, scheduled_is_cut ? inAll('scheduled') : 0),
    };
  });
  return { types, is_estimate: isCut(counted) };
}

/** How many are expected where the count ended early, to how many the sample suggests there. */
function restOf(counted: readonly CountedType[], expected: Expectations): number {
  let rest = expected.of('status', 'queued') ?? 0;
  let suggested = 0;
  for (const { type, ready, scheduled, ready_is_cut, scheduled_is_cut } of counted) {
    if (ready_is_cut) suggested += expected.of('ready', type) ?? 0;
    else rest -= ready;
    if (scheduled_is_cut) suggested += expected.of('scheduled', type) ?? 0;
    else rest -= scheduled;
  }
  return suggested === 0 ? 0 : Math.max(0, rest) / suggested;
}
