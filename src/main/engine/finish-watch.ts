import type { Queryable } from '../database/connect.ts';
import { describe } from '../database/errors.ts';
import type { Observe } from '../observe/events.ts';

/** Tells callers when tasks have finished. One statement looks for all of them, however many are waited for. */
export class FinishWatch {
  readonly #database: Queryable;
  readonly #observe: Observe;
  /** Of this class alone: who waits, the longest waiting first. */
  readonly #waiting = new Set<Waiter>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer is due, by the monotonic clock. */
  #dueAt = Number.POSITIVE_INFINITY;
  #isLooking = false;
  #isStopped = false;

  constructor(database: Queryable, observe: Observe) {
    this.#database = database;
    this.#observe = observe;
  }

  /**
   * Waits until a task has finished or is gone, the time is over, `gone` is aborted, or the watch is stopped. Never
   * rejects: look at the task afterwards.
   */
  finished(id: string, seconds: number, gone: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiter: Waiter = { id, since: performance.now(), end };
      const timeout = setTimeout(end, Math.min(seconds * 1000, LONGEST_TIMER_MS));
      const waiting = this.#waiting;
      function end() {
        clearTimeout(timeout);
        gone.removeEventListener('abort', end);
        waiting.delete(waiter);
        resolve();
      }
      if (gone.aborted || this.#isStopped) return end();
      gone.addEventListener('abort', end);
      waiting.add(waiter);
      this.#lookSoon();
    });
  }

  /** Ends all waits, and those to come. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    for (const waiter of this.#waiting) waiter.end();
  }

  /** A short wait is looked after often, a long one a few times a second. */
  #lookSoon(): void {
    const youngest = [...this.#waiting].at(-1);
    if (youngest === undefined || this.#isLooking) return;
    const now = performance.now();
    const interval = Math.min(MAX_INTERVAL_MS, MIN_INTERVAL_MS + (now - youngest.since) / 4);
    if (now + interval >= this.#dueAt) return;
    this.#dueAt = now + interval;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), interval);
  }

  async #look(): Promise<void> {
    this.#dueAt = Number.POSITIVE_INFINITY;
    this.#isLooking = true;
    const waiting = [...this.#waiting];
    try {
      const ids = [...new Set(waiting.map((waiter) => waiter.id))];
      const { rows } = await this.#database.query<{ id: string }>({
        name: 'finished-of',
        text: FINISHED_OF,
        values: [ids],
      });
      const finished = new Set(rows.map((row) => row.id));
      for (const waiter of waiting) if (finished.has(waiter.id)) waiter.end();
    } catch (error) {
      this.#observe({ event: 'database_error', during: 'waiting for tasks', ...describe(error) });
    }
    this.#isLooking = false;
    this.#lookSoon();
  }
}

interface Waiter {
  id: string;
  since: number;
  end(): void;
}

const MIN_INTERVAL_MS = 10;
const MAX_INTERVAL_MS = 250;

/** $1 ids. Which are not there as unfinished tasks: what was deleted will never finish. */
const FINISHED_OF = `
select asked.id from unnest($1::uuid[]) as asked (id)
where not exists (select from tasks t where t.id = asked.id and t.status in ('created', 'queued', 'running'))`;

/** A longer timer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
