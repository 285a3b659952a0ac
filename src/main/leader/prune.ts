import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.ts';
import type { Queryable } from '../database/connect.ts';
import { PRUNE_STARTS } from '../engine/sql/limits.ts';
import type { Observe } from '../observe/events.ts';
import { Repeat } from './repeat.ts';
import {
  BATCH,
  PERIODIC_TYPES,
  PRUNE_COMPLETED,
  PRUNE_KEYS,
  PRUNE_MINUTES,
  PRUNE_RUNNERS,
  PRUNE_TICKS,
  pruneEndedBadly,
} from './sql/prune.ts';

/**
 * Deletes finished tasks past their retention, ticks beyond the number that is kept, runners that are long gone,
 * idempotency keys of the day before, old statistics, and starts that no rate limit counts any more: as the leader, soon
 * after its start and every minute, in small statements with pauses between.
 */
export class Pruner {
  readonly #database: Queryable;
  readonly #observe: Observe;
  readonly #ticks: number;
  readonly #walks: Walk[];
  readonly #repeat: Repeat;
  #stopped = false;

  /** @param retention in days, 0 keeps for ever; and the number of ticks that are kept of each periodic type */
  constructor(database: Queryable, retention: Config['retention'], observe: Observe) {
    this.#database = database;
    this.#observe = observe;
    this.#ticks = retention.ticks;
    this.#walks = [
      { statement: PRUNE_COMPLETED, days: retention.completedDays, from: FIRST_ID },
      { statement: pruneEndedBadly('failed'), days: retention.failedDays, from: FIRST_ID },
      { statement: pruneEndedBadly('cancelled'), days: retention.failedDays, from: FIRST_ID },
    ].filter(({ days }) => days > 0);
    this.#repeat = new Repeat('prune', EVERY_MS, () => this.prune(), observe);
  }

  start(): void {
    this.#stopped = false;
    this.#repeat.start(FIRST_IN_MS);
  }

  /** Resolves when the statement that is under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#repeat.stop();
  }

  /** Prunes now. @throws Error when the database does not answer */
  async prune(): Promise<void> {
    let tasks = 0;
    for (const walk of this.#walks) tasks += await this.#pruneAlong(walk);
    const { rows } = await this.#database.query<{ name: string }>(PERIODIC_TYPES);
    for (const { name } of rows) tasks += await this.#pruneWhole(PRUNE_TICKS, [name, this.#ticks]);
    await this.#pruneWhole(PRUNE_KEYS, []);
    await this.#database.query(PRUNE_RUNNERS);
    await this.#database.query(PRUNE_MINUTES);
    await this.#database.query(PRUNE_STARTS);
    if (tasks > 0) this.#observe({ event: 'pruned', tasks });
  }

  /**
   * One round over everything that is old enough. What has to be walked past again and again could be a lot: then a
   * round takes several calls, and pruning is late rather than a load.
   */
  async #pruneAlong(walk: Walk): Promise<number> {
    let deleted = 0;
    let stayed = 0;
    while (!this.#stopped && stayed < MOST_STAYING) {
      const step = await this.#run<Step>(walk.statement, [walk.from, seconds(walk.days)]);
      deleted += step.deleted;
      stayed += step.walked - step.deleted;
      walk.from = step.last ?? FIRST_ID;
      if (step.walked < BATCH) {
        walk.from = FIRST_ID;
        break;
      }
    }
    return deleted;
  }

  /** Runs a statement until it finds nothing more. */
  async #pruneWhole(statement: string, values: unknown[]): Promise<number> {
    let deleted = 0;
    while (!this.#stopped) {
      const step = await this.#run<{ deleted: number }>(statement, values);
      deleted += step.deleted;
      if (step.deleted < BATCH) break;
    }
    return deleted;
  }

  /** Runs a statement, then pauses for at least as long as it took. */
  async #run<Row extends object>(statement: string, values: unknown[]): Promise<Row> {
    const startedAt = performance.now();
    const { rows } = await this.#database.query<Row>(statement, values);
    await sleep(Math.max(LEAST_PAUSE_MS, performance.now() - startedAt));
    return rows[0] as Row;
  }
}

interface Walk {
  statement: string;
  days: number;
  /** The id that the last step ended at. */
  from: string;
}

interface Step {
  last: string | null;
  walked: number;
  deleted: number;
}

const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const EVERY_MS = 60_000;
const FIRST_IN_MS = 5000;
const LEAST_PAUSE_MS = 5;

/** Some hundred statements' worth, a few seconds of work. */
const MOST_STAYING = 200_000;

/** A retention beyond this is as good as for ever, and would be before 1970. */
function seconds(days: number): number {
  return Math.min(days, 18_000) * 86_400;
}
