import type { Config } from '../config.ts';
import type { Queryable } from '../database/connect.ts';
import { PRUNE_STARTS } from '../engine/sql/limits.ts';
import type { Observe } from '../observe/events.ts';
import { ExpiredTasks } from './expired-tasks.ts';
import { Repeat } from './repeat.ts';
import { type OwnRetention, retentionGroups } from './retention.ts';
import { SmallSteps } from './small-steps.ts';
import {
  BATCH,
  FILES_BATCH,
  PERIODIC_TYPES,
  PRUNE_FILES,
  PRUNE_KEYS,
  PRUNE_MINUTES,
  PRUNE_RUNNERS,
  PRUNE_TICKS,
  RETENTIONS,
} from './sql/prune.ts';

/**
 * Deletes what is kept no longer, as the leader, soon after its start and every minute: finished tasks past their type's
 * retention, ticks beyond the number that is kept, idempotency keys of the day before, files of uploads that were broken
 * off, runners that are long gone, old statistics, and starts that no rate limit counts any more.
 */
export class Pruner {
  readonly #database: Queryable;
  readonly #observe: Observe;
  readonly #retention: Config['retention'];
  readonly #steps: SmallSteps;
  readonly #expired: ExpiredTasks;
  readonly #repeat: Repeat;

  /**
   * @param retention in days, 0 keeps for ever, of types without a retention of their own; and the number of ticks that
   * are kept of each periodic type
   */
  constructor(database: Queryable, retention: Config['retention'], observe: Observe) {
    this.#database = database;
    this.#retention = retention;
    this.#observe = observe;
    this.#steps = new SmallSteps(database);
    this.#expired = new ExpiredTasks(this.#steps);
    this.#repeat = new Repeat('prune', EVERY_MS, () => this.prune(), observe);
  }

  start(): void {
    this.#steps.stopped = false;
    this.#repeat.start(FIRST_IN_MS);
  }

  /** Resolves when the statement that is under way has ended. */
  async stop(): Promise<void> {
    this.#steps.stopped = true;
    await this.#repeat.stop();
  }

  /** Prunes now. @throws Error when the database does not answer */
  async prune(): Promise<void> {
    const tasks = (await this.#pruneExpired()) + (await this.#pruneTicks());
    await this.#steps.deleteAll(PRUNE_KEYS, [], BATCH);
    await this.#steps.deleteAll(PRUNE_FILES, [], FILES_BATCH);
    for (const statement of [PRUNE_RUNNERS, PRUNE_MINUTES, PRUNE_STARTS])
      await this.#database.query(statement);
    if (tasks > 0) this.#observe({ event: 'pruned', tasks });
  }

  async #pruneExpired(): Promise<number> {
    let deleted = 0;
    const { rows: own } = await this.#database.query<OwnRetention>(RETENTIONS);
    for (const group of retentionGroups(this.#retention, own)) deleted += await this.#expired.deleteOf(group);
    return deleted;
  }

  async #pruneTicks(): Promise<number> {
    let deleted = 0;
    const { rows } = await this.#database.query<{ name: string }>(PERIODIC_TYPES);
    for (const { name } of rows)
      deleted += await this.#steps.deleteAll(PRUNE_TICKS, [name, this.#retention.ticks], BATCH);
    return deleted;
  }
}

const EVERY_MS = 60_000;
const FIRST_IN_MS = 5000;
