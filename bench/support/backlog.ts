import { setTimeout as sleep } from 'node:timers/promises';
import type { Queryable } from '../../src/main/database/connect.ts';
import { submit } from '../../src/main/engine/submit.ts';
import { TaskTypeCatalogue } from '../../src/main/engine/task-types.ts';

/** Keeps so many no-op tasks queued, or a few more, also past times when the database is away. */
export class Backlog {
  readonly #database: Queryable;
  readonly #least: number;
  #on = true;
  #ended: Promise<void> = Promise.resolve();

  constructor(database: Queryable, least: number) {
    this.#database = database;
    this.#least = least;
  }

  start(): void {
    this.#ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#on = false;
    await this.#ended;
  }

  async #run(): Promise<void> {
    const catalogue = new TaskTypeCatalogue(this.#database);
    while (this.#on) {
      try {
        const { rows } = await this.#database.query<{ queued: number }>(QUEUED);
        const isFull = (rows[0]?.queued ?? 0) >= this.#least;
        if (isFull) await sleep(LOOK_MS);
        else await submit(this.#database, catalogue, BUNDLE, 'bench');
      } catch {
        await sleep(LOOK_MS); // It is one of the faults.
      }
    }
  }
}

const LOOK_MS = 20;
const BUNDLE = Array.from({ length: 2000 }, () => ({ type: 'no-op', params: {} }));
const QUEUED = "select count(*)::int as queued from tasks where status = 'queued'";
