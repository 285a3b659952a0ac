/** The most attempts in one bundle. */
export const BUNDLE_LIMIT = 64;

/** For all results of a bundle: larger ones travel as messages. */
const RESULT_BYTES = 16_384;

const WAITING = 0;
const STARTED = 1;
const WITHDRAWN = 2;
/** Succeeded, and everything about it is in the block. */
const SUCCEEDED = 3;
/** The main thread knows that it did. */
const HEARD = 4;

const NOBODY = -1;
/** Beside the index of who runs. */
const LOADING = 1 << 16;

/** What a bundle's control block tells of the attempt that runs. */
export interface Running {
  index: number;
  ageMs: number;
  heldAtStart: number;
  /** Its task file is loading: until then its age does not count. */
  loading: boolean;
}

/** An attempt that has succeeded. */
export interface Success {
  /** Its place in the bundle. */
  index: number;
  ranMs: number;
  /** When it ended, by `monotonicMs()`. */
  endedAtMs: number;
  /** JSON text, `null` for nothing. */
  result: string | null;
}

/**
 * The shared memory of a bundle: a state for each attempt, which one is running and since when, and how those went that
 * have succeeded. Each attempt is either started by the thread or withdrawn by the main thread, never both: one
 * compare-and-swap decides.
 *
 * A success is told here and not by a message, which costs both sides more than a short attempt does. The main thread
 * looks when the bundle has ended, and every few milliseconds. What is written here outlives the thread, whatever
 * becomes of it.
 */
export class Control {
  readonly buffer: SharedArrayBuffer;
  readonly #startedAt: BigInt64Array;
  readonly #ranMs: Float64Array;
  readonly #endedAtMs: Float64Array;
  readonly #current: Int32Array;
  readonly #heldAtStart: Int32Array;
  readonly #states: Int32Array;
  /** Where in `#results` each result ends; -1 for none. */
  readonly #resultEnds: Int32Array;
  readonly #results: Buffer;
  /** Worker thread: up to where `#results` is full. */
  #full = 0;

  constructor(buffer = new SharedArrayBuffer(16 + 24 * BUNDLE_LIMIT + RESULT_BYTES)) {
    this.buffer = buffer;
    this.#startedAt = new BigInt64Array(buffer, 0, 1);
    this.#current = new Int32Array(buffer, 8, 1);
    this.#heldAtStart = new Int32Array(buffer, 12, 1);
    this.#ranMs = new Float64Array(buffer, 16, BUNDLE_LIMIT);
    this.#endedAtMs = new Float64Array(buffer, 16 + 8 * BUNDLE_LIMIT, BUNDLE_LIMIT);
    this.#states = new Int32Array(buffer, 16 + 16 * BUNDLE_LIMIT, BUNDLE_LIMIT);
    this.#resultEnds = new Int32Array(buffer, 16 + 20 * BUNDLE_LIMIT, BUNDLE_LIMIT);
    this.#results = Buffer.from(buffer, 16 + 24 * BUNDLE_LIMIT, RESULT_BYTES);
  }

  /** Main thread, before a bundle is sent: nobody else looks at the block then. */
  reset(): void {
    this.#states.fill(WAITING);
    Atomics.store(this.#current, 0, NOBODY);
  }

  /**
   * Worker thread.
   * @param heldBytes what the thread holds now
   * @returns false when the main thread has withdrawn the attempt
   */
  start(index: number, heldBytes: number): boolean {
    if (Atomics.compareExchange(this.#states, index, WAITING, STARTED) !== WAITING) return false;
    Atomics.store(this.#startedAt, 0, process.hrtime.bigint());
    Atomics.store(this.#heldAtStart, 0, Math.round(heldBytes / 1024)); // Kibibytes: more bytes than fit.
    Atomics.store(this.#current, 0, index);
    return true;
  }

  /** Worker thread, when the task file of the current attempt has to be loaded first. */
  loading(): void {
    Atomics.or(this.#current, 0, LOADING);
  }

  /** Worker thread, when it is loaded: the attempt's age counts from now. */
  loaded(): void {
    Atomics.store(this.#startedAt, 0, process.hrtime.bigint());
    Atomics.and(this.#current, 0, ~LOADING);
  }

  /** Worker thread, when an attempt has ended and before its outcome is told. */
  end(): void {
    Atomics.store(this.#current, 0, NOBODY);
  }

  /**
   * Worker thread: tells that an attempt has succeeded, now.
   * @param result JSON text, `null` for nothing
   * @returns false when there is no room for the result: then nothing is told
   */
  succeed(index: number, ranMs: number, result: string | null): boolean {
    if (result !== null) {
      if (result.length * MOST_BYTES > RESULT_BYTES - this.#full) return false;
      this.#full += this.#results.write(result, this.#full);
    }
    this.#ranMs[index] = ranMs;
    this.#endedAtMs[index] = monotonicMs();
    this.#resultEnds[index] = result === null ? -1 : this.#full;
    Atomics.store(this.#states, index, SUCCEEDED); // Last: whoever sees it sees the rest, too.
    return true;
  }

  /** Main thread: what has succeeded since it last asked. @param attempts how many there are in the bundle */
  takeSuccesses(attempts: number): Success[] {
    const successes: Success[] = [];
    let from = 0;
    for (let index = 0; index < attempts; index++) {
      const state = Atomics.load(this.#states, index);
      if (state !== SUCCEEDED && state !== HEARD) continue;
      const end = this.#resultEnds[index] as number;
      if (state === SUCCEEDED) {
        Atomics.store(this.#states, index, HEARD);
        successes.push({
          index,
          ranMs: this.#ranMs[index] as number,
          endedAtMs: this.#endedAtMs[index] as number,
          result: end === -1 ? null : this.#results.toString('utf8', from, end),
        });
      }
      if (end !== -1) from = end;
    }
    return successes;
  }

  /** Main thread. @returns false when the thread has started the attempt */
  withdraw(index: number): boolean {
    return Atomics.compareExchange(this.#states, index, WAITING, WITHDRAWN) === WAITING;
  }

  /**
   * Main thread: the attempt that runs, its age, and what the thread held in bytes when it began. Threads of one
   * process share the monotonic clock.
   */
  running(): Running | null {
    const current = Atomics.load(this.#current, 0);
    if (current === NOBODY) return null;
    const loading = (current & LOADING) !== 0;
    const ageMs = Number(process.hrtime.bigint() - Atomics.load(this.#startedAt, 0)) / 1e6;
    const heldAtStart = Atomics.load(this.#heldAtStart, 0) * 1024;
    return { index: current & ~LOADING, ageMs, heldAtStart, loading };
  }
}

/** UTF-8 has at most so many bytes for each unit of a string's length. */
const MOST_BYTES = 3;

/** The monotonic clock that all threads of a process share, in milliseconds. `performance.now()` has a zero in each. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
