import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.ts';
import type { Queryable } from '../database/connect.ts';
import { PRUNE_STARTS } from '../engine/sql/limits.ts';
import type { Observe } from '../observe/events.ts';
import { Repeat } from './repeat.ts';
import { type OwnRetention, type RetentionGroup, retentionGroups } from './retention.ts';
import {
  BATCH,
  FILES_BATCH,
  PERIODIC_TYPES,
  PRUNE_COMPLETED,
  PRUNE_FILES,
  PRUNE_KEYS,
  PRUNE_MINUTES,
  PRUNE_RUNNERS,
  PRUNE_TICKS,
  pruneEndedBadly,
  RETENTIONS,
} from './sql/prune.ts';

/**
 * Deletes finished tasks past their type's retention, ticks beyond the number that is kept, runners that are long gone,
 * idempotency keys of the day before, files of uploads that were broken off, old statistics, and starts that no rate limit counts any more: as the leader, soon
 * after its start and every minute, in small statements with pauses between.
 */
export class Pruner {
  readonly #database: Queryable;
  readonly #observe: Observe;
  readonly #retention: Config['retention'];
  readonly #walks = new Map<string, Walk>();
  readonly #repeat: Repeat;
  #stopped = false;

  /**
   * @param retention in days, 0 keeps for ever, of types without a retention of their own; and the number of ticks that
   * are kept of each periodic type
   */
  constructor(database: Queryable, retention: Config['retention'], observe: Observe) {
    this.#database = database;
    this.#retention = retention;
    this.#observe = observe;
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
    const { rows: own } = await this.#database.query<OwnRetention>(RETENTIONS);
    for (const group of retentionGroups(this.#retention, own)) tasks += await this.#pruneGroup(group);
    const { rows } = await this.#database.query<{ name: string }>(PERIODIC_TYPES);
    for (const { name } of rows) tasks += await this.#pruneWhole(PRUNE_TICKS, [name, this.#retention.ticks]);
    await this.#pruneWhole(PRUNE_KEYS, []);
    await this.#pruneWhole(PRUNE_FILES, [], FILES_BATCH);
    await this.#database.query(PRUNE_RUNNERS);
    await this.#database.query(PRUNE_MINUTES);
    await this.#database.query(PRUNE_STARTS);
    if (tasks > 0) this.#observe({ event: 'pruned', tasks });
  }

  /**
   * One round over a group. What the cutoff has passed since the last round is walked first, and only now: most tasks
   * finish soon after their creation, so that these are the ones that expire. The others are found by going over the
   * rest again and again, a part of it in each round: of a small table all.
   */
  async #pruneGroup(group: RetentionGroup): Promise<number> {
    const walk = this.#walkOf(group);
    const isFirst = walk.front === FIRST_ID;
    const reached = await this.#walkFrom(walk.front, group, MOST_STAYING);
    walk.front = (reached.ended ? reached.soon : null) ?? reached.last;
    if (isFirst || !reached.ended) return reached.deleted;
    const again = await this.#walkFrom(walk.again, group, MOST_STAYING_AGAIN);
    walk.again = again.ended ? FIRST_ID : again.last;
    return reached.deleted + again.deleted;
  }

  /** A group whose types have changed begins anew. */
  #walkOf(group: RetentionGroup): Walk {
    const key = JSON.stringify(group);
    const walk = this.#walks.get(key) ?? { front: FIRST_ID, again: FIRST_ID };
    this.#walks.set(key, walk);
    return walk;
  }

  /** @param mostStaying ends after so many ids that stay */
  async #walkFrom(
    from: string,
    { ended, days, types, these }: RetentionGroup,
    mostStaying: number,
  ): Promise<Walked> {
    const statement = ended === 'completed' ? PRUNE_COMPLETED : pruneEndedBadly(ended);
    const walked: Walked = { last: from, soon: null, deleted: 0, ended: false };
    let staying = 0;
    while (!this.#stopped && !walked.ended && staying < mostStaying) {
      const step = await this.#run<Step>(statement, [walked.last, seconds(days), types, these]);
      walked.deleted += step.deleted;
      walked.last = step.last ?? walked.last;
      walked.soon ??= step.soon;
      walked.ended = step.walked < BATCH;
      staying += step.walked - step.deleted;
    }
    return walked;
  }

  /** Runs a statement until it finds nothing more. @param batch the most it deletes */
  async #pruneWhole(statement: string, values: unknown[], batch = BATCH): Promise<number> {
    let deleted = 0;
    while (!this.#stopped) {
      const step = await this.#run<{ deleted: number }>(statement, values);
      deleted += step.deleted;
      if (step.deleted < batch) break;
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

/** Where the rounds of a group are. */
interface Walk {
  /** The id up to which everything was walked once. */
  front: string;
  /** The id up to which the rest was walked again. */
  again: string;
}

interface Walked {
  /** The last id, or where it began. */
  last: string;
  /** The first id of a task that expires soon. */
  soon: string | null;
  deleted: number;
  /** Nothing is left to walk. */
  ended: boolean;
}

interface Step {
  last: string | null;
  soon: string | null;
  walked: number;
  deleted: number;
}

const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const EVERY_MS = 60_000;
const FIRST_IN_MS = 5000;
const LEAST_PAUSE_MS = 5;

/** Some hundred statements' worth, a few seconds of work: pruning is late rather than a load. */
const MOST_STAYING = 200_000;
const MOST_STAYING_AGAIN = 20_000;

/** A retention beyond this is as good as for ever, and would be before 1970. */
function seconds(days: number): number {
  return Math.min(days, 18_000) * 86_400;
}
