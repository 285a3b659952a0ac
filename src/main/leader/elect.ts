import type { Queryable } from '../database/connect.ts';
import { endBackendsOfRunner } from '../engine/end-backends.ts';
import type { Observe } from '../observe/events.ts';
import { DeathWatch, type OtherRunner } from './dead.ts';
import { Repeat } from './repeat.ts';
import { LEADER, TAKE_THE_LEAD } from './sql/elect.ts';

/**
 * Elects one leader among the runners of a database. A runner takes the lead when the one that has it is dead, and
 * keeps it for as long as it lives itself: who loses its lease, loses the lead with it.
 */
export class Election {
  readonly #runnerId: string;
  readonly #database: Queryable;
  readonly #elected: () => Promise<void>;
  readonly #observe: Observe;
  readonly #repeat: Repeat;
  readonly #deaths: DeathWatch;
  #won = false;
  #stoodBy = false;

  /** @param elected this runner leads from now on */
  constructor(runnerId: string, database: Queryable, elected: () => Promise<void>, observe: Observe) {
    this.#runnerId = runnerId;
    this.#database = database;
    this.#elected = elected;
    this.#observe = observe;
    this.#deaths = new DeathWatch(database);
    this.#repeat = new Repeat('election', POLL_MS, () => this.#stand(), observe);
  }

  /** Whether another runner was found to lead. */
  get stoodBy(): boolean {
    return this.#stoodBy;
  }

  /** Stands for leader from now on. Resolves when it has tried for the first time, and acted upon the answer. */
  start(): Promise<void> {
    return this.#repeat.startNow();
  }

  stop(): Promise<void> {
    return this.#repeat.stop();
  }

  async #stand(): Promise<void> {
    if (!this.#won) {
      if (!(await this.#takeTheLead())) return;
      this.#won = true;
      this.#observe({ event: 'leader_elected', runner_id: this.#runnerId });
    }
    await this.#elected(); // When this fails, it is done again at the next turn.
    this.#repeat.finish();
  }

  async #takeTheLead(): Promise<boolean> {
    const { rows } = await this.#database.query<Leader>(LEADER);
    const leader = rows[0] ?? NOBODY;
    if (leader.id === this.#runnerId) return true; // The answer to an earlier takeover got lost.
    const why = leader.id === null ? null : await this.#deaths.whyDead(leader);
    if (leader.id !== null && why === null) {
      this.#standBy(leader.id);
      return false;
    }
    const { rowCount } = await this.#database.query(TAKE_THE_LEAD, [
      this.#runnerId,
      leader.epoch,
      leader.id,
      leader.last_seen_at,
    ]);
    if (rowCount === 0) return false;
    if (leader.id !== null && leader.status !== 'stopped') await this.#replace(leader.id, why as string);
    return true;
  }

  /** A leader that is frozen may hold locks, also on rows of tasks that it has not got. */
  async #replace(runner_id: string, reason: string): Promise<void> {
    this.#observe({ event: 'runner_lost', runner_id, reason });
    await endBackendsOfRunner(this.#database, this.#observe, runner_id);
  }

  #standBy(leader: string): void {
    if (!this.#stoodBy) this.#observe({ event: 'runner_standby', reason: `runner ${leader} leads` });
    this.#stoodBy = true;
  }
}

const POLL_MS = 250;

type Leader = (OtherRunner | { [Column in keyof OtherRunner]: null }) & { epoch: string | null };

const NOBODY: Leader = {
  id: null,
  epoch: null,
  host: null,
  pid: null,
  process_space: null,
  status: null,
  lease_seconds: null,
  last_seen_at: null,
  silent_seconds: null,
};
