import { describe } from '../database/errors.ts';
import type { Observe } from '../observe/events.ts';

export interface WatchOptions<Question, Answer> {
  /** Answers many at once, in their order; undefined when there is no answer yet. */
  look: (questions: readonly Question[]) => Promise<readonly (Answer | undefined)[]>;
  /** For the log, when a look fails. */
  during: string;
  observe: Observe;
  /** How long the first look waits, and the most that it comes to. */
  intervalMs: { min: number; max: number };
}

/** Waits for many answers of the database at once. One look answers all of them, however many there are. */
export class Watch<Question, Answer> {
  readonly #options: WatchOptions<Question, Answer>;
  /** Of this class alone: who waits, the longest waiting first. */
  readonly #waiting = new Set<Waiter<Question, Answer>>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer is due, by the monotonic clock. */
  #dueAt = Number.POSITIVE_INFINITY;
  #isLooking = false;
  #isStopped = false;

  constructor(options: WatchOptions<Question, Answer>) {
    this.#options = options;
  }

  /**
   * Waits for an answer, but no longer than so many seconds. Never rejects.
   * @returns undefined when the time is over, `gone` is aborted, or the watch is stopped
   */
  answer(question: Question, seconds: number, gone: AbortSignal): Promise<Answer | undefined> {
    return new Promise((resolve) => {
      const waiter: Waiter<Question, Answer> = { question, since: performance.now(), end };
      const timeout = setTimeout(end, Math.min(seconds * 1000, LONGEST_TIMER_MS));
      const waiting = this.#waiting;
      const leave = () => end();
      function end(answer?: Answer) {
        clearTimeout(timeout);
        gone.removeEventListener('abort', leave);
        waiting.delete(waiter);
        resolve(answer);
      }
      if (gone.aborted || this.#isStopped) return end();
      gone.addEventListener('abort', leave);
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

  /** Who has begun to wait a moment ago is looked after often, who waits for long a few times a second. */
  #lookSoon(): void {
    const youngest = [...this.#waiting].at(-1);
    if (youngest === undefined || this.#isLooking) return;
    const { min, max } = this.#options.intervalMs;
    const now = performance.now();
    const interval = Math.min(max, min + (now - youngest.since) / 4);
    if (now + interval >= this.#dueAt) return;
    this.#dueAt = now + interval;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), interval);
  }

  async #look(): Promise<void> {
    const { look, during, observe } = this.#options;
    this.#dueAt = Number.POSITIVE_INFINITY;
    this.#isLooking = true;
    const waiting = [...this.#waiting];
    try {
      const answers = await look(waiting.map(({ question }) => question));
      for (const [index, waiter] of waiting.entries()) {
        const answer = answers[index];
        if (answer !== undefined) waiter.end(answer);
      }
    } catch (error) {
      observe({ event: 'database_error', during, ...describe(error) });
    }
    this.#isLooking = false;
    this.#lookSoon();
  }
}

interface Waiter<Question, Answer> {
  question: Question;
  since: number;
  end(answer?: Answer): void;
}

/** A longer timer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
