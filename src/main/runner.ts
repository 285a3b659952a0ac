import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from './config.ts';
import { describe } from './database/errors.ts';
import { endProcess, START_AGAIN } from './end-process.ts';
import { type Discovery, discover } from './engine/discover.ts';
import type { ThreadOptions } from './engine/task-thread.ts';
import { migrateUp } from './migrate/apply.ts';
import { ConnectionBroke, MigrationError } from './migrate/error.ts';
import { sqlState } from './migrate/session.ts';
import type { Observe } from './observe/events.ts';
import type { Log } from './observe/log.ts';
import type { RunnerSources } from './observe/metrics/runner.ts';
import { taskFolders } from './task-folders.ts';
import { DEGRADED, Tenure, type TenureOptions } from './tenure.ts';

export interface RunnerOptions {
  config: Config;
  databaseUrl: string;
  log: Log;
  observe: Observe;
}

/**
 * A runner process: migrates, learns what the task files define, and then runs tasks, in one tenure after the other.
 * There is a second one only when the first has lost its lease.
 */
export class Runner {
  readonly #options: Omit<TenureOptions, 'first'>;
  #tenure: Tenure | null = null;
  /** What is left to do of a tenure that was lost. */
  #losing: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | null = null;

  /**
   * Makes ready what a runner needs: the schema, and what the task files define. It claims nothing before `start`.
   * @throws MigrationError when the schema cannot be brought up to date, ThreadDied when no thread comes up
   */
  static async prepare(options: RunnerOptions): Promise<Runner> {
    const { config, databaseUrl, observe } = options;
    const threadOptions = threadOptionsOf(options);
    const [discovery] = await Promise.all([
      discover(threadOptions),
      migrate(config.database.listenUrl ?? databaseUrl, observe),
    ]);
    tellFaults(discovery, observe);
    return new Runner({ ...options, threadOptions, types: discovery.types });
  }

  private constructor(options: Omit<TenureOptions, 'first'>) {
    this.#options = options;
  }

  /** Starts to run tasks, or to stand by. Resolves when it does, for which the database has to be there. */
  async start(): Promise<void> {
    try {
      await this.#begin({ first: true });
    } catch (error) {
      await this.stop('a start that failed');
      throw error;
    }
  }

  /** Stops in stages, and resolves when everything is settled. Called again, it goes to the next stage at once. */
  stop(signal: string): Promise<void> {
    if (this.#stopping === null) this.#stopping = this.#stop(signal);
    else this.#tenure?.hurry();
    return this.#stopping;
  }

  /** What the runner tells of itself when its metrics are asked for. */
  get sources(): RunnerSources {
    return {
      types: this.#options.types,
      threads: this.#tenure?.threads ?? { busy: 0, idle: 0, stuck: 0 },
      pool: this.#tenure?.database ?? null,
    };
  }

  /** Whether threads run something. */
  get threadsRun(): boolean {
    return this.#tenure?.threadsRun === true;
  }

  async #begin({ first }: { first: boolean }): Promise<void> {
    const tenure = new Tenure(
      { ...this.#options, first },
      {
        leaseOver: (reason) => {
          this.#losing = this.#beginAnewAfter(tenure, reason).catch((error) => this.#giveUp(tenure, error));
        },
        leaseExpired: () => this.#endIfItRuns(tenure),
        threadStuck: () => this.#degrade(tenure),
      },
    );
    this.#tenure = tenure;
    await tenure.start();
  }

  async #beginAnewAfter(lost: Tenure, reason: string): Promise<void> {
    await lost.lose(reason);
    if (this.#stopping === null) await this.#begin({ first: false });
  }

  /** Others may run its tasks from now on: what its threads still run can only end with the process. */
  #endIfItRuns(tenure: Tenure): void {
    if (!tenure.threadsRun) return;
    this.#tellDegraded(tenure, 'the lease has expired, and a thread still lives');
    endProcess(START_AGAIN, true);
  }

  /** Half a runner is none. */
  #giveUp(tenure: Tenure, error: unknown): void {
    this.#tellDegraded(tenure, `it cannot begin anew: ${describe(error).message}`);
    endProcess(START_AGAIN, tenure.threadsRun);
  }

  /** The slot of a thread that does not die is only free again in another process. */
  #degrade(tenure: Tenure): void {
    this.#tellDegraded(tenure, 'a thread does not die: it is in a native call');
    this.#stopping ??= this.#stop(DEGRADED);
  }

  #tellDegraded({ id }: Tenure, reason: string): void {
    this.#options.observe({ event: 'runner_degraded', runner_id: id, reason });
  }

  async #stop(why: string): Promise<void> {
    const startedAt = performance.now();
    await this.#tenure?.stop(why);
    await this.#losing;
    this.#options.observe({ event: 'stopped', took_ms: performance.now() - startedAt });
    // Also when its thread has died in the meantime: a runner that has stopped runs nothing, and nobody stops it again.
    if (why === DEGRADED || this.#tenure?.hasStuckThread) endProcess(START_AGAIN, this.threadsRun);
  }
}

async function migrate(url: string, observe: Observe): Promise<void> {
  for (;;) {
    try {
      // However long the database takes to come: its supervisor sees by its health that it waits.
      await migrateUp({ url, observe, waitSeconds: Number.POSITIVE_INFINITY });
      return;
    } catch (error) {
      if (!(error instanceof ConnectionBroke)) throw withAdvice(error);
      observe({ event: 'migration_waiting', reason: error.message });
      await sleep(MIGRATE_AGAIN_MS);
    }
  }
}

const MIGRATE_AGAIN_MS = 500;

/** A runner's role may be one that only reads and writes rows: deploy/roles.sql. */
function withAdvice(error: unknown): unknown {
  if (!(error instanceof MigrationError) || sqlState(error.cause) !== INSUFFICIENT_PRIVILEGE) return error;
  const advice = 'this role may not migrate: run heddle migrate --up as one that may';
  return new MigrationError(error.exitCode, `${error.message}; ${advice}`, { cause: error });
}

const INSUFFICIENT_PRIVILEGE = '42501';

function threadOptionsOf({ config, databaseUrl }: RunnerOptions): ThreadOptions {
  return {
    databaseUrl,
    taskFolders: taskFolders(config),
    logLevel: config.logLevel,
    maxHeapMb: config.runner.threadMaxHeapMb,
    bootTimeoutMs: THREAD_BOOT_MS,
  };
}

const THREAD_BOOT_MS = 30_000;

function tellFaults({ types, rejected }: Discovery, observe: Observe): void {
  for (const { file, reason } of rejected) observe({ event: 'task_file_rejected', file, reason });
  for (const { name, warnings } of types) {
    for (const reason of warnings) observe({ event: 'task_type_warning', task_type: name, reason });
  }
}
