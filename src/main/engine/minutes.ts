import { atMost } from '../at-most.ts';
import type { Queryable } from '../database/connect.ts';
import { describe } from '../database/errors.ts';
import type { HeddleEvent, Observe } from '../observe/events.ts';
import { LogHistogram } from '../observe/log-histogram.ts';
import { isRetry } from './outcome.ts';
import { WRITE_MINUTES } from './sql/minutes.ts';

/**
 * Writes down minute by minute what becomes of a runner's attempts, for statistics over all runners: a second after
 * something has ended, in one small statement, beside everything else. Of a runner that is killed the last second is
 * missing.
 */
export class Minutes {
  readonly #runnerId: string;
  readonly #database: Queryable;
  readonly #observe: Observe;
  readonly #startedAt = performance.now();
  #current = new Minute(0);
  /** What the database does not have yet, or not all of it. */
  readonly #unwritten = new Set<Minute>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | null = null;

  constructor(runnerId: string, database: Queryable, observe: Observe) {
    this.#runnerId = runnerId;
    this.#database = database;
    this.#observe = observe;
  }

  /** Takes note of an attempt that has ended. */
  note(ended: Ended): void {
    const number = Math.floor((performance.now() - this.#startedAt) / MINUTE_MS);
    if (number !== this.#current.number) this.#current = new Minute(number);
    this.#current.add(ended);
    this.#unwritten.add(this.#current);
    this.#timer ??= setTimeout(() => void this.#write(), WRITE_MS);
  }

  /** Writes what is left, if the database is there. */
  async stop(): Promise<void> {
    await this.#writing;
    if (this.#unwritten.size > 0) await atMost(PATIENCE_MS, this.#write());
    clearTimeout(this.#timer);
  }

  #write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#tryToWrite().finally(() => {
      this.#writing = null;
    });
    return this.#writing;
  }

  /** Minutes are written whole, each time: it does no harm to do so twice. */
  async #tryToWrite(): Promise<void> {
    const minutes = [...this.#unwritten];
    this.#unwritten.clear();
    try {
      const rows = JSON.stringify(minutes.map((minute) => minute.toRow()));
      await this.#database.query({ name: 'minutes', text: WRITE_MINUTES, values: [this.#runnerId, rows] });
    } catch (error) {
      for (const minute of minutes) this.#unwritten.add(minute);
      this.#timer ??= setTimeout(() => void this.#write(), WRITE_MS);
      this.#observe({ event: 'database_error', during: 'statistics', ...describe(error) });
    }
  }
}

const MINUTE_MS = 60_000;
const WRITE_MS = 1000;
const PATIENCE_MS = 1000;

/** An attempt that has ended, and its task's next state. */
type Ended = HeddleEvent & { event: 'attempt_ended' };

/** What became of the attempts that ended in a minute. */
class Minute {
  readonly number: number;
  readonly #counts = { attempts: 0, completed: 0, failed: 0, retried: 0 };
  readonly #waits = new LogHistogram();
  readonly #runs = new LogHistogram();

  constructor(number: number) {
    this.number = number;
  }

  add({ outcome, status, waited_ms, ran_ms }: Ended): void {
    const counts = this.#counts;
    counts.attempts++;
    if (status === 'completed') counts.completed++;
    else if (status === 'failed') counts.failed++;
    else if (isRetry(outcome, status)) counts.retried++;
    if (waited_ms === null) return;
    this.#waits.add(waited_ms);
    this.#runs.add(ran_ms);
  }

  toRow() {
    return {
      minute: this.number,
      ...this.#counts,
      wait_ms: this.#waits.counts(),
      run_ms: this.#runs.counts(),
    };
  }
}
