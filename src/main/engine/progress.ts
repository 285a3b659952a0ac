import type { Queryable } from '../database/connect.ts';
import { describe } from '../database/errors.ts';
import type { Observe } from '../observe/events.ts';
import { Batcher } from './batcher.ts';
import { PROGRESS } from './sql/settle.ts';

interface Word {
  taskId: string;
  claimToken: string;
  fraction: number;
  message: string | null;
}

/**
 * Shows how far running attempts are. Only the latest word of an attempt counts, so of those that arrive during a
 * write the others are left out; one that cannot be written is not repeated: the next one says more.
 */
export class Progress {
  readonly #database: Queryable;
  readonly #observe: Observe;
  readonly #batcher = new Batcher<Word>(Number.POSITIVE_INFINITY, (words) => this.#write(words));

  constructor(database: Queryable, observe: Observe) {
    this.#database = database;
    this.#observe = observe;
  }

  show(taskId: string, claimToken: string, fraction: number, message: string | null): void {
    this.#batcher.add({ taskId, claimToken, fraction, message });
  }

  /** Resolves when everything so far is shown. */
  written(): Promise<void> {
    return this.#batcher.written();
  }

  async #write(words: Word[]): Promise<void> {
    const latest = [...new Map(words.map((word) => [word.claimToken, word])).values()];
    const values = [
      latest.map(({ taskId }) => taskId),
      latest.map(({ claimToken }) => claimToken),
      latest.map(({ fraction }) => fraction),
      latest.map(({ message }) => message),
    ];
    try {
      await this.#database.query({ name: 'progress', text: PROGRESS, values });
    } catch (error) {
      this.#observe({ event: 'database_error', during: 'progress', ...describe(error) });
    }
  }
}
