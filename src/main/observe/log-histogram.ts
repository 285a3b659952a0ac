import type { BucketCounts } from '../../../drizzle/schema/statistics.ts';

/**
 * Counts durations in milliseconds in buckets of equal ratio, eight a doubling: from a bucket's middle to its bounds it
 * is 4.4 %, and each power of two is a bound. Cheap enough for every attempt.
 */
export class LogHistogram {
  readonly #counts = new Float64Array(BUCKETS);
  total = 0;
  /** Of all that was added, in milliseconds. */
  sumMs = 0;

  add(milliseconds: number): void {
    const bucket = bucketOf(milliseconds);
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.total++;
    this.sumMs += milliseconds;
  }

  /** By bucket; what is empty is left out. */
  counts(): BucketCounts {
    const filled: BucketCounts = {};
    this.#counts.forEach((count, bucket) => {
      if (count > 0) filled[bucket] = count;
    });
    return filled;
  }

  /** How many were below each power of two, in milliseconds: 2 to the power of `from`, and so on, up to `to`. */
  below(from: number, to: number): number[] {
    const sums: number[] = [];
    let sum = 0;
    let bucket = 0;
    for (let power = from; power <= to; power++) {
      for (const bound = (power - LOWEST_POWER) * PER_DOUBLING; bucket < bound; bucket++)
        sum += this.#counts[bucket] as number;
      sums.push(sum);
    }
    return sums;
  }
}

/**
 * What a share of the durations does not exceed, in milliseconds, to ±4.4 %; null when there are none.
 * @param share 0.5 is the median
 */
export function percentileOf(counts: ReadonlyMap<number, number>, share: number): number | null {
  const filled = [...counts].sort(([a], [b]) => a - b);
  const total = filled.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [bucket, count] of filled) {
    seen += count;
    if (seen >= total * share) return middleOf(bucket);
  }
  return null;
}

const PER_DOUBLING = 8;

/** Of two: 8 microseconds. What is shorter counts as that. */
const LOWEST_POWER = -7;

/** Of two: 99 days. */
const HIGHEST_POWER = 33;

const BUCKETS = (HIGHEST_POWER - LOWEST_POWER) * PER_DOUBLING;

function bucketOf(milliseconds: number): number {
  const bucket = Math.floor((Math.log2(milliseconds) - LOWEST_POWER) * PER_DOUBLING);
  // A duration of 0 has no logarithm, and one from before a clock was set is negative.
  return bucket > 0 ? Math.min(bucket, BUCKETS - 1) : 0;
}

function middleOf(bucket: number): number {
  return 2 ** ((bucket + 0.5) / PER_DOUBLING + LOWEST_POWER);
}
