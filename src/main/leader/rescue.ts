import { hostname } from 'node:os';
import type { Queryable } from '../database/connect.ts';
import { endBackends } from '../engine/end-backends.ts';
import type { Settler } from '../engine/settle.ts';
import { isAlive } from '../is-alive.ts';
import type { Observe } from '../observe/events.ts';
import { Repeat } from './repeat.ts';
import { MARK_LOST, RUNNERS_WITH_TASKS, TASKS_OF_RUNNER } from './sql/rescue.ts';

/** Takes back the tasks of dead runners, as the leader. A lost attempt uses up a retry; the task is due at once. */
export class Rescuer {
  readonly #runnerId: string;
  readonly #database: Queryable;
  readonly #settler: Settler;
  readonly #observe: Observe;
  readonly #repeat: Repeat;

  constructor(runnerId: string, database: Queryable, settler: Settler, observe: Observe) {
    this.#runnerId = runnerId;
    this.#database = database;
    this.#settler = settler;
    this.#observe = observe;
    this.#repeat = new Repeat('rescue', LOOK_MS, () => this.rescue(), observe);
  }

  /** Rescues every second from now on. */
  start(): void {
    this.#repeat.start(LOOK_MS);
  }

  stop(): Promise<void> {
    return this.#repeat.stop();
  }

  /** Takes back what dead runners hold. Resolves when it is settled. */
  async rescue(): Promise<void> {
    const { rows } = await this.#database.query<OtherRunner>(RUNNERS_WITH_TASKS, [this.#runnerId]);
    for (const runner of rows) if (isDead(runner, hostname(), isAlive)) await this.#takeBack(runner.id);
  }

  async #takeBack(runner_id: string): Promise<void> {
    await this.#database.query(MARK_LOST, [runner_id]);
    for (;;) {
      const { rows } = await this.#database.query<LostTask>(TASKS_OF_RUNNER, [runner_id]);
      if (rows.length === 0) return;
      for (const task of rows) {
        await endBackends(this.#database, this.#observe, task);
        this.#observe({ event: 'task_rescued', task_id: task.id, task_type: task.type, runner_id });
        this.#settler.add({
          task: { ...task, retry: { strategy: 'cooldown', seconds: 0 } },
          outcome: { name: 'lost', error: { name: 'RunnerDied', message: `lost: runner ${runner_id} died` } },
          settledByTask: false,
          ranMs: task.ran_ms,
          endedAt: performance.now(),
          threadId: null,
        });
      }
      await this.#settler.written();
    }
  }
}

const LOOK_MS = 1000;

/** A runner that holds tasks. All but the id is null when its row is gone. */
export interface OtherRunner {
  id: string;
  host: string | null;
  pid: number | null;
  status: string | null;
  lease_seconds: number | null;
  silent_seconds: number | null;
}

/**
 * Whether a runner is dead: it said so, it has been silent for its lease, or it was a process of this host that is no
 * more. A process with our own pid is a former one: containers give every start the same.
 */
export function isDead(runner: OtherRunner, host: string, alive: (pid: number) => boolean): boolean {
  const { pid, status, lease_seconds, silent_seconds } = runner;
  if (pid === null || lease_seconds === null || silent_seconds === null) return true;
  if (status === 'stopped' || status === 'lost' || silent_seconds > lease_seconds) return true;
  return runner.host === host && (pid === process.pid || !alive(pid));
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
}
