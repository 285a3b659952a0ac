import { setTimeout as sleep } from 'node:timers/promises';
import type { Task } from './system.ts';

export interface Paced {
  submitted: number;
  /** How many it should have been by then. */
  due: number;
}

/** Submits no-op tasks at a steady pace, a few at once every ten milliseconds. What is late is made up for. */
export class Pace {
  readonly #perSecond: number;
  readonly #submit: (tasks: readonly Task[]) => Promise<void>;
  readonly #startedAt = performance.now();
  readonly #ended: Promise<void>;
  #on = true;
  #submitted = 0;

  constructor(perSecond: number, submit: (tasks: readonly Task[]) => Promise<void>) {
    this.#perSecond = perSecond;
    this.#submit = submit;
    this.#ended = this.#run();
  }

  async end(): Promise<Paced> {
    const due = this.#due();
    this.#on = false;
    await this.#ended;
    return { submitted: this.#submitted, due };
  }

  #due(): number {
    return Math.floor(((performance.now() - this.#startedAt) / 1000) * this.#perSecond);
  }

  async #run(): Promise<void> {
    while (this.#on) {
      const length = Math.min(MOST, this.#due() - this.#submitted);
      if (length > 0) await this.#submit(Array.from({ length }, () => NO_OP));
      this.#submitted += length;
      await sleep(EVERY_MS);
    }
  }
}

const EVERY_MS = 10;
/** In one call. */
const MOST = 2000;
const NO_OP: Task = { type: 'no-op', params: {} };
