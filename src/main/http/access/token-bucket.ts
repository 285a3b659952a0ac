import { type Clock, monotonic } from './clock.ts';

/** So many in so many seconds. */
export interface Rate {
  count: number;
  seconds: number;
}

/** What became of one attempt to take something out of a bucket. */
export interface Taken {
  allowed: boolean;
  /** How many more could be taken right now. */
  remaining: number;
  /** Whole seconds after which the bucket is full again. */
  fullInSeconds: number;
  /** Whole seconds after which the next attempt succeeds; 0 when it would right now. */
  waitSeconds: number;
}

export interface BucketOptions {
  clock?: Clock;
  /** Of how many keys the buckets are kept. Beyond that the one is forgotten that was used least recently. */
  maxKeys?: number;
}

/**
 * A bucket for each key. It holds `count` at most and fills up at an even pace within `seconds`; an attempt that finds
 * it empty takes nothing.
 *
 * A bucket is kept as one number, the time at which it will be full: each that is taken moves that by the time which
 * one takes to come back. Full buckets need not be kept at all.
 */
export class TokenBuckets {
  /** In order of their last use. */
  readonly #fullAt = new Map<string, number>();
  readonly #count: number;
  readonly #spanMs: number;
  readonly #oneMs: number;
  readonly #clock: Clock;
  readonly #maxKeys: number;

  constructor({ count, seconds }: Rate, { clock = monotonic, maxKeys = 10_000 }: BucketOptions = {}) {
    this.#count = count;
    this.#spanMs = seconds * 1000;
    this.#oneMs = this.#spanMs / count;
    this.#clock = clock;
    this.#maxKeys = maxKeys;
  }

  /** How many buckets are kept. */
  get size(): number {
    return this.#fullAt.size;
  }

  /** Takes one out of the key's bucket, if there is one in it. */
  take(key: string): Taken {
    const now = this.#clock();
    const before = Math.max(this.#fullAt.get(key) ?? now, now);
    const after = before + this.#oneMs;
    const allowed = after - now <= this.#spanMs + ROUNDING_MS;
    const fullAt = allowed ? after : before;
    this.#keep(key, fullAt, now);
    return {
      allowed,
      remaining: Math.min(
        this.#count,
        Math.floor((this.#spanMs + ROUNDING_MS - (fullAt - now)) / this.#oneMs),
      ),
      fullInSeconds: wholeSeconds(fullAt - now),
      waitSeconds: wholeSeconds(fullAt + this.#oneMs - now - this.#spanMs),
    };
  }

  #keep(key: string, fullAt: number, now: number): void {
    this.#fullAt.delete(key);
    this.#fullAt.set(key, fullAt);
    for (const [oldest, itsFullAt] of this.#fullAt) {
      if (itsFullAt > now && this.#fullAt.size <= this.#maxKeys) break;
      this.#fullAt.delete(oldest);
    }
  }
}

/** What sums of fractions may be off by. */
const ROUNDING_MS = 1e-3;

/** Rounded up, so that waiting for so long is enough. */
function wholeSeconds(ms: number): number {
  return Math.max(0, Math.ceil((ms - ROUNDING_MS) / 1000));
}
