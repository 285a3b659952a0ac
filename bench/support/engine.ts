import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { connect } from '../../src/main/database/connect.ts';
import { Engine } from '../../src/main/engine/engine.ts';
import { publishTaskTypes } from '../../src/main/engine/publish.ts';
import { type Submission, type Submitted, submit } from '../../src/main/engine/submit.ts';
import type { ThreadOptions } from '../../src/main/engine/task-thread.ts';
import { TaskTypeCatalogue } from '../../src/main/engine/task-types.ts';
import { Wake } from '../../src/main/engine/wake.ts';
import type { HeddleEvent } from '../../src/main/observe/events.ts';
import { createLog, logEvents } from '../../src/main/observe/log.ts';
import { addLiveRunner } from '../../test/support/runner-row.ts';
import { Heard } from './heard.ts';
import { learnTaskTypes, THREADS, threadOptionsFor } from './task-types.ts';

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

  /** Learns and publishes the task types. Nothing runs before `start`. */
  static async prepare(databaseUrl: string, options: Partial<ThreadOptions> = {}): Promise<BenchEngine> {
    const types = await learnTaskTypes(databaseUrl, options);
    const log = logEvents(createLog('error').logger);
    const bench: BenchEngine = new BenchEngine(databaseUrl, (runnerId, pool, catalogue) => {
      const observe = (event: HeddleEvent) => {
        log(event);
        bench.heard.hear(event);
      };
      return new Engine({
        runnerId,
        database: pool,
        catalogue,
        types,
        threads: THREADS,
        threadOptions: threadOptionsFor(databaseUrl, options),
        killGraceMs: 500,
        observe,
        logStream: { write() {} },
      });
    });
    await publishTaskTypes(bench.pool, types);
    await addLiveRunner(bench.pool, bench.runnerId);
    return bench;
  }

  private constructor(
    databaseUrl: string,
    createEngine: (runnerId: string, pool: pg.Pool, catalogue: TaskTypeCatalogue) => Engine,
  ) {
    this.pool = connect(databaseUrl, 'heddle bench', () => {});
    this.#enginePool = connect(databaseUrl, `heddle runner ${this.runnerId}`, () => {});
    this.#catalogue = new TaskTypeCatalogue(this.pool);
    this.#engine = createEngine(this.runnerId, this.#enginePool, this.#catalogue);
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
    await this.#enginePool.end();
    await this.pool.end();
  }
}
