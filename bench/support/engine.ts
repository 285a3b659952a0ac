import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { connect, ENGINE_SETTINGS } from '../../src/main/database/connect.ts';
import { Engine } from '../../src/main/engine/engine.ts';
import { Minutes } from '../../src/main/engine/minutes.ts';
import { publishTaskTypes } from '../../src/main/engine/publish.ts';
import { type Submission, type Submitted, submit } from '../../src/main/engine/submit.ts';
import type { ThreadOptions } from '../../src/main/engine/task-thread.ts';
import { type RunnableType, TaskTypeCatalogue } from '../../src/main/engine/task-types.ts';
import { Wake } from '../../src/main/engine/wake.ts';
import { type Observe, tellBoth } from '../../src/main/observe/events.ts';
import { createLog, logEvents } from '../../src/main/observe/log.ts';
import { RunnerMetrics } from '../../src/main/observe/metrics/runner.ts';
import { addLiveRunner } from '../../test/support/runner-row.ts';
import { Heard } from './heard.ts';
import { learnTaskTypes, THREADS, threadOptionsFor } from './task-types.ts';
import { writeNoHistory } from './without-history.ts';

/** An engine on the benchmark's own tasks, or others, without what keeps a runner alive: its row counts as live for a day. */
export class BenchEngine {
  readonly runnerId = randomUUID();
  /** The benchmark's own: the engine's connections are made when it needs them, as in a runner. */
  readonly pool: pg.Pool;
  readonly heard = new Heard();
  readonly #enginePool: pg.Pool;
  readonly #engine: Engine;
  readonly #catalogue: TaskTypeCatalogue;
  readonly #wake: Wake;
  readonly #telling: Telling;

  /**
   * Learns and publishes the task types. Nothing runs before `start`.
   * @param options what it tells: its events, as a log of errors; `everything` that a runner tells; or `nothing`, not
   * even in the tasks' rows; and what its threads are to be given
   */
  static async prepare(
    databaseUrl: string,
    { tells = 'events', ...options }: { tells?: Tells } & Partial<ThreadOptions> = {},
  ): Promise<BenchEngine> {
    const types = await learnTaskTypes(databaseUrl, options);
    const bench = new BenchEngine(databaseUrl, types, tells, options);
    await publishTaskTypes(bench.pool, types);
    await addLiveRunner(bench.pool, bench.runnerId);
    return bench;
  }

  private constructor(
    databaseUrl: string,
    types: readonly RunnableType[],
    tells: Tells,
    options: Partial<ThreadOptions>,
  ) {
    this.pool = connect(databaseUrl, 'heddle bench', () => {});
    this.#enginePool = connect(databaseUrl, `heddle runner ${this.runnerId}`, () => {}, {
      settings: ENGINE_SETTINGS,
    });
    if (tells === 'nothing') writeNoHistory(this.#enginePool);
    this.#telling = tellingOf(tells, this.runnerId, this.#enginePool, types);
    this.#catalogue = new TaskTypeCatalogue(this.pool);
    this.#engine = new Engine({
      runnerId: this.runnerId,
      database: this.#enginePool,
      catalogue: this.#catalogue,
      types,
      threads: THREADS,
      threadOptions: threadOptionsFor(databaseUrl, options),
      killGraceMs: 500,
      observe: tellBoth(this.#telling.observe, (event) => this.heard.hear(event)),
      logStream: { write() {} },
    });
    const wakened = {
      due: (inMs: number) => this.#engine.wake(inMs),
      cancel: (taskId: string) => this.#engine.cancel(taskId),
    };
    this.#wake = new Wake(this.runnerId, databaseUrl, wakened, () => {});
  }

  async start(): Promise<void> {
    await this.#engine.start();
    this.#wake.start();
    this.#engine.open();
  }

  submit(submissions: readonly Submission[]): Promise<Submitted[]> {
    return submit(this.pool, this.#catalogue, submissions, 'bench');
  }

  async stop(): Promise<void> {
    await this.#wake.stop();
    await this.#engine.stop();
    await this.#telling.stop();
    await this.#enginePool.end();
    await this.pool.end();
  }
}

type Tells = 'events' | 'everything' | 'nothing';

interface Telling {
  observe: Observe;
  stop(): Promise<void>;
}

function tellingOf(tells: Tells, runnerId: string, pool: pg.Pool, types: readonly RunnableType[]): Telling {
  if (tells === 'nothing') return { observe() {}, async stop() {} };
  const log = logEvents(createLog('error').logger);
  if (tells === 'events') return { observe: log, async stop() {} };
  const threads = { busy: 0, idle: 0, stuck: 0 };
  const metrics = new RunnerMetrics(() => ({ types, threads, pool }));
  const minutes = new Minutes(runnerId, pool, log);
  return {
    observe(event) {
      log(event);
      metrics.note(event);
      if (event.event === 'attempt_ended') minutes.note(event);
    },
    stop: () => minutes.stop(),
  };
}
