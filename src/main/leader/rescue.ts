import type { Queryable } from '../database/connect.ts';
import { endBackendsOfRunner } from '../engine/end-backends.ts';
import type { Settler } from '../engine/settle.ts';
import { RUNNER_DIED } from '../engine/task.ts';
import type { Observe } from '../observe/events.ts';
import { DeathWatch, type OtherRunner } from './dead.ts';
import { Repeat } from './repeat.ts';
import { MARK_LOST, OTHER_RUNNERS, TASKS_OF_RUNNER } from './sql/rescue.ts';

/** Takes back the tasks of dead runners, as the leader. A lost attempt uses up a retry; the task is due at once. */
export class Rescuer {
  readonly #runnerId: string;
  readonly #database: Queryable;
  readonly #settler: Settler;
  readonly #observe: Observe;
  readonly #repeat: Repeat;
  readonly #deaths: DeathWatch;

  constructor(runnerId: string, database: Queryable, settler: Settler, observe: Observe) {
    this.#runnerId = runnerId;
    this.#database = database;
    this.#settler = settler;
    this.#observe = observe;
    this.#deaths = new DeathWatch(database);
    this.#repeat = new Repeat('rescue', LOOK_MS, () => this.rescue(), observe);
  }

  /** Rescues twice a second from now on. */
  start(): void {
    this.#repeat.start(LOOK_MS);
  }

  stop(): Promise<void> {
    return this.#repeat.stop();
  }

  /** Takes back what dead runners hold. Resolves when it is settled, but for what cannot be settled yet. */
  async rescue(): Promise<void> {
    const { rows } = await this.#database.query<OtherRunner>(OTHER_RUNNERS, [this.#runnerId]);
    for (const runner of rows) {
      const why = await this.#deaths.whyDead(runner);
      if (why !== null) await this.#takeBack(runner, why);
    }
  }

  async #takeBack({ id, last_seen_at }: OtherRunner, why: string): Promise<void> {
    const { rowCount } = await this.#database.query(MARK_LOST, [id, last_seen_at, this.#runnerId]);
    if (rowCount === 1) this.#observe({ event: 'runner_lost', runner_id: id, reason: why });
    await endBackendsOfRunner(this.#database, this.#observe, id);
    for (;;) {
      // One that cannot be settled holds up neither the others nor the tasks of other dead runners.
      const { rows } = await this.#database.query<LostTask>(TASKS_OF_RUNNER, [id, this.#settler.late]);
      if (rows.length === 0) return;
      for (const task of rows) this.#settleAsLost(task, id);
      await this.#settler.tried();
    }
  }

  #settleAsLost(task: LostTask, runner_id: string): void {
    this.#observe({ event: 'task_rescued', task_id: task.id, task_type: task.type, runner_id });
    this.#settler.add({
      task: { ...task, retry: { strategy: 'cooldown', seconds: 0 } },
      outcome: { name: 'lost', error: { name: RUNNER_DIED, message: whyLost(runner_id, task.lost_before) } },
      settledByTask: false,
      ranMs: task.ran_ms,
      waitedMs: null,
      endedAt: performance.now(),
      threadId: task.thread,
    });
  }
}

const LOOK_MS = 500;

/** A task can be what ends its runner, each time that it runs: then this is what it fails with. */
function whyLost(runnerId: string, before: number): string {
  const again = before === 0 ? '' : `, and ${before} before it that ran this task`;
  return `lost: runner ${runnerId} died${again}`;
}

interface LostTask {
  id: string;
  type: string;
  claim_token: string;
  attempt: number;
  attempts_forgiven: number;
  max_retries: number;
  cancel_requested: boolean;
  ran_ms: number;
  /** The thread that its runner last showed to run it, or null: it may not have begun. */
  thread: number | null;
  /** How many of its attempts were lost earlier. */
  lost_before: number;
}
