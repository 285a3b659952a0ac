import type { Queryable } from '../database/connect.ts';
import { describe, untilWritten } from '../database/errors.ts';
import type { Observe } from '../observe/events.ts';
import { Batcher } from './batcher.ts';
import type { ClaimedTask } from './claimed-task.ts';
import { writeByHalves } from './halves.ts';
import { NOTE_STARTS } from './sql/limits.ts';
import type { RunnableType } from './task-types.ts';

interface Start {
  type: string;
  rateKey: string;
  claimToken: string;
  perSeconds: number;
}

/**
 * Writes when attempts of types with a rate limit have begun. A claim only reserves a start: how long the task then
 * waits for its thread, and that for the task's file, must not let more of them begin in a window than are allowed.
 */
export class Starts {
  readonly #database: Queryable;
  readonly #observe: Observe;
  readonly #perSeconds: ReadonlyMap<string, number>;
  readonly #batcher = new Batcher<Start>(1000, (starts) => this.#write(starts));
  /** Claim tokens of those that have begun and not ended. */
  readonly #begun = new Set<string>();

  constructor(database: Queryable, types: readonly RunnableType[], observe: Observe) {
    this.#database = database;
    this.#observe = observe;
    this.#perSeconds = new Map(
      types.flatMap(({ name, limits }) => (limits?.rate ? [[name, limits.rate.perSeconds]] : [])),
    );
  }

  /** The task's code runs. */
  begun(task: ClaimedTask): void {
    if (this.#begun.has(task.claim_token)) return;
    const perSeconds = this.#perSeconds.get(task.type);
    if (perSeconds === undefined) return;
    this.#begun.add(task.claim_token);
    const { type, rate_key, claim_token: claimToken } = task;
    this.#batcher.add({ type, rateKey: rate_key ?? '', claimToken, perSeconds });
  }

  /** Its attempt is over. One that was never told to have begun counts as if it began now: it may have. */
  ended(task: ClaimedTask): void {
    this.begun(task);
    this.#begun.delete(task.claim_token);
  }

  /** Resolves when everything so far is in the database. */
  written(): Promise<void> {
    return this.#batcher.written();
  }

  async #write(batch: Start[]): Promise<void> {
    await writeByHalves(batch, (starts) => this.#tryToWrite(starts));
  }

  /** @returns those that the database refuses. That it does a single one is told. */
  async #tryToWrite(starts: readonly Start[]): Promise<readonly Start[]> {
    const values = [
      starts.map(({ type }) => type),
      starts.map(({ rateKey }) => rateKey),
      starts.map(({ claimToken }) => claimToken),
      starts.map(({ perSeconds }) => perSeconds),
    ];
    try {
      await untilWritten('starts', this.#observe, () =>
        this.#database.query({ name: 'note-starts', text: NOTE_STARTS, values }),
      );
      return [];
    } catch (error) {
      if (starts.length === 1)
        this.#observe({ event: 'database_error', during: 'starts', ...describe(error) });
      return starts;
    }
  }
}
