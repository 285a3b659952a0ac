import { percentileOf } from '../../observe/log-histogram.ts';
import type { Queryable } from '../connect.ts';
import { LAST_HOUR, LAST_HOUR_BUCKETS } from './sql.ts';

/** What became of the attempts of the last hour. */
export interface LastHour {
  /** Tasks that ended. */
  completed: number;
  failed: number;
  /** Attempts after which their task is to be tried again. */
  retried: number;
  /** From when an attempt was due until it began. */
  wait_ms: Percentiles;
  run_ms: Percentiles;
}

/** In milliseconds, to ±4.4 %; null when nothing ended. */
export interface Percentiles {
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

/** Adds up the minutes that runners have written. What a runner did in the last second may not be there yet. */
export async function readLastHour(database: Queryable): Promise<LastHour> {
  const totals = await database.query<Omit<LastHour, 'wait_ms' | 'run_ms'>>(LAST_HOUR);
  const buckets = await database.query<Bucket>(LAST_HOUR_BUCKETS);
  const [total] = totals.rows;
  if (total === undefined) throw new Error('an aggregate always has a row');
  return { ...total, wait_ms: percentiles(buckets.rows, 'wait'), run_ms: percentiles(buckets.rows, 'run') };
}

interface Bucket {
  duration: 'wait' | 'run';
  bucket: number;
  count: number;
}

function percentiles(buckets: readonly Bucket[], duration: Bucket['duration']): Percentiles {
  const counts = new Map(
    buckets.filter((each) => each.duration === duration).map(({ bucket, count }) => [bucket, count]),
  );
  const at = (share: number) => {
    const milliseconds = percentileOf(counts, share);
    return milliseconds === null ? null : Number(milliseconds.toPrecision(3));
  };
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
