import type pg from 'pg';
import { readConfig } from '../../src/main/config.ts';
import { connect } from '../../src/main/database/connect.ts';
import { publishTaskTypes } from '../../src/main/engine/publish.ts';
import { type Submission, type Submitted, submit } from '../../src/main/engine/submit.ts';
import { type RunnableType, TaskTypeCatalogue } from '../../src/main/engine/task-types.ts';
import { createLog, logEvents } from '../../src/main/observe/log.ts';
import { RunnerMetrics } from '../../src/main/observe/metrics/runner.ts';
import { Tenure } from '../../src/main/tenure.ts';
import { Heard } from './heard.ts';
import { learnTaskTypes, TASKS, THREADS, threadOptionsFor } from './task-types.ts';

/** What `BenchEngine` is, with everything that keeps a runner alive and lets one look into it: lease, heartbeats, election, rescue, schedules, statistics, metrics. */
export class BenchTenure {
  readonly pool: pg.Pool;
  readonly heard = new Heard();
  readonly #catalogue: TaskTypeCatalogue;
  readonly #tenure: Tenure;

  /**
   * Learns and publishes the task types. Nothing runs before `start`.
   * @param options where the tasks are, and what is configured otherwise than by default
   */
  static async prepare(
    databaseUrl: string,
    { tasks = TASKS, env = {} }: { tasks?: string; env?: NodeJS.ProcessEnv } = {},
  ): Promise<BenchTenure> {
    const types = await learnTaskTypes(databaseUrl, { taskFolders: [tasks] });
    const bench = new BenchTenure(databaseUrl, types, tasks, env);
    await publishTaskTypes(bench.pool, types);
    return bench;
  }

  private constructor(
    databaseUrl: string,
    types: readonly RunnableType[],
    tasks: string,
    env: NodeJS.ProcessEnv,
  ) {
    this.pool = connect(databaseUrl, 'heddle bench', () => {});
    this.#catalogue = new TaskTypeCatalogue(this.pool);
    const log = createLog('error');
    const logEvent = logEvents(log.logger);
    const metrics = new RunnerMetrics(() => ({ types, threads: this.#tenure.threads, pool: null }));
    this.#tenure = new Tenure(
      {
        config: readConfig({ DATABASE_URL: databaseUrl, THREADS: String(THREADS), ...env }),
        databaseUrl,
        types,
        threadOptions: threadOptionsFor(databaseUrl, { taskFolders: [tasks] }),
        log,
        observe: (event) => {
          logEvent(event);
          metrics.note(event);
          this.heard.hear(event);
        },
        first: true,
      },
      {
        leaseOver: fail,
        leaseExpired: () => fail('the lease expired'),
        threadStuck: () => fail('a thread is stuck'),
      },
    );
  }

  /** Starts to run tasks, as the leader. */
  start(): Promise<void> {
    return this.#tenure.start();
  }

  submit(submissions: readonly Submission[]): Promise<Submitted[]> {
    return submit(this.pool, this.#catalogue, submissions, 'bench');
  }

  async stop(): Promise<void> {
    await this.#tenure.stop('the end of the benchmark');
    await this.pool.end();
  }
}

/** Whatever is measured then means nothing. */
function fail(reason: string): never {
  throw new Error(reason);
}
