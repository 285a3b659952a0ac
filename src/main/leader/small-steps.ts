import { setTimeout as sleep } from 'node:timers/promises';
import type { Queryable } from '../database/connect.ts';

/** Much work in small statements, with a pause after each that is three times as long as it took: it keeps nobody waiting. */
export class SmallSteps {
  readonly #database: Queryable;
  /** No further step is to be made. */
  stopped = false;

  constructor(database: Queryable) {
    this.#database = database;
  }

  /** @returns the statement's first row */
  async run<Row extends object>(statement: string, values: unknown[]): Promise<Row> {
    const startedAt = performance.now();
    const { rows } = await this.#database.query<Row>(statement, values);
    await sleep(Math.max(LEAST_PAUSE_MS, PAUSES * (performance.now() - startedAt)));
    return rows[0] as Row;
  }

  /** Runs a statement that deletes so many at most until it finds nothing more. @returns how many it has deleted */
  async deleteAll(statement: string, values: unknown[], most: number): Promise<number> {
    let deleted = 0;
    while (!this.stopped) {
      const step = await this.run<{ deleted: number }>(statement, values);
      deleted += step.deleted;
      if (step.deleted < most) break;
    }
    return deleted;
  }
}

const LEAST_PAUSE_MS = 5;

/** With one, claims took twice as long at the 99th percentile while a million tasks were pruned. */
const PAUSES = 3;
