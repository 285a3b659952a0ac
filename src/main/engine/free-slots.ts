import type { Queryable } from '../database/connect.ts';
import { describe } from '../database/errors.ts';
import type { Observe } from '../observe/events.ts';
import { hasSlots } from './limits.ts';
import { NOTIFY_FREE } from './sql/limits.ts';
import type { RunnableType } from './task-types.ts';

/**
 * Tells all runners when the end of an attempt here makes room in a type's limits: at once, and then at most every
 * EVERY_MS. Polling finds what a lost notification leaves.
 */
export class FreeSlots {
  readonly #database: Queryable;
  readonly #observe: Observe;
  readonly #types: ReadonlySet<string>;
  #pause: NodeJS.Timeout | undefined;
  #again = false;

  constructor(database: Queryable, types: readonly RunnableType[], observe: Observe) {
    this.#database = database;
    this.#observe = observe;
    const limited = types.filter(({ limits }) => limits !== null && hasSlots(limits));
    this.#types = new Set(limited.map(({ name }) => name));
  }

  /** An attempt of the type has been settled. */
  settled(type: string): void {
    if (this.#types.has(type)) this.#tell();
  }

  stop(): void {
    clearTimeout(this.#pause);
    this.#pause = undefined;
  }

  #tell(): void {
    if (this.#pause !== undefined) {
      this.#again = true;
      return;
    }
    this.#again = false;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      if (this.#again) this.#tell();
    }, EVERY_MS);
    void this.#notify();
  }

  async #notify(): Promise<void> {
    try {
      await this.#database.query(NOTIFY_FREE);
    } catch (error) {
      this.#observe({ event: 'database_error', during: 'notify', ...describe(error) });
    }
  }
}

const EVERY_MS = 20;
