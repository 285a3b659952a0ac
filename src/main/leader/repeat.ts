import { describe } from '../database/errors.ts';
import type { Observe } from '../observe/events.ts';

/** Does something every so often, one time after the other. What it throws is an event, and it goes on. */
export class Repeat {
  readonly #during: string;
  readonly #everyMs: number;
  readonly #work: () => Promise<void>;
  readonly #observe: Observe;
  #on = false;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();

  /** @param during what a fault says it happened during */
  constructor(during: string, everyMs: number, work: () => Promise<void>, observe: Observe) {
    this.#during = during;
    this.#everyMs = everyMs;
    this.#work = work;
    this.#observe = observe;
  }

  start(firstInMs: number): void {
    this.#on = true;
    this.#timer = setTimeout(() => this.#begin(), firstInMs);
  }

  /** The first time at once. Resolves when that has ended. */
  async startNow(): Promise<void> {
    this.#on = true;
    this.#begin();
    await this.#working;
  }

  /** For the work itself: this was the last time. */
  finish(): void {
    this.#on = false;
  }

  /** Resolves when the work that is under way has ended. */
  async stop(): Promise<void> {
    this.#on = false;
    clearTimeout(this.#timer);
    await this.#working;
  }

  #begin(): void {
    const startedAt = performance.now();
    this.#working = this.#tryTo().then(() => {
      const tookMs = performance.now() - startedAt;
      if (this.#on) this.#timer = setTimeout(() => this.#begin(), Math.max(0, this.#everyMs - tookMs));
    });
  }

  async #tryTo(): Promise<void> {
    try {
      await this.#work();
    } catch (error) {
      this.#observe({ event: 'database_error', during: this.#during, ...describe(error) });
    }
  }
}
