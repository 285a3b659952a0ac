import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { connect } from '../../src/main/database/connect.ts';
import { discover } from '../../src/main/engine/discover.ts';
import { Engine } from '../../src/main/engine/engine.ts';
import { publishTaskTypes } from '../../src/main/engine/publish.ts';
import { type Submission, type Submitted, submit } from '../../src/main/engine/submit.ts';
import { TaskTypeCatalogue } from '../../src/main/engine/task-types.ts';
import { Wake } from '../../src/main/engine/wake.ts';
import type { HeddleEvent } from '../../src/main/observe/events.ts';
import { createLog, logEvents } from '../../src/main/observe/log.ts';
import { addLiveRunner } from '../../test/support/runner-row.ts';

export const THREADS = 2;

export const TASKS = fileURLToPath(new URL('../tasks', import.meta.url));

type Ended = HeddleEvent & { event: 'attempt_ended' };

/** An engine with everything a runner gives it, on the benchmark's own tasks. */
export class BenchEngine {
  readonly runnerId = randomUUID();
  readonly pool: pg.Pool;
  readonly #engine: Engine;
  readonly #catalogue: TaskTypeCatalogue;
  readonly #wake: Wake;
  readonly #waiting = new Set<(ended: Ended) => void>();

  /** Learns and publishes the task types. Nothing runs before `start`. */
  static async prepare(databaseUrl: string): Promise<BenchEngine> {
    const threadOptions = {
      databaseUrl,
      taskFolders: [TASKS],
      logLevel: 'info',
      maxHeapMb: 512,
      bootTimeoutMs: 10_000,
    };
    const { types, rejected } = await discover(threadOptions);
    for (const { file, reason } of rejected) throw new Error(`${file}: ${reason}`);
    const log = logEvents(createLog('error').logger);
    const bench: BenchEngine = new BenchEngine(databaseUrl, (runnerId, pool, catalogue) => {
      const observe = (event: HeddleEvent) => {
        log(event);
        if (event.event === 'attempt_ended') for (const hear of bench.#waiting) hear(event);
      };
      return new Engine({
        runnerId,
        database: pool,
        catalogue,
        types,
        threads: THREADS,
        threadOptions,
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
    this.pool = connect(databaseUrl, 'heddle runner', () => {});
    this.#catalogue = new TaskTypeCatalogue(this.pool);
    this.#engine = createEngine(this.runnerId, this.pool, this.#catalogue);
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

  /** Resolves when so many attempts, counted from now, that `counts` says yes to have been settled. */
  settled(count: number, counts: (ended: Ended) => boolean = () => true): Promise<void> {
    return new Promise((resolve) => {
      let left = count;
      const hear = (ended: Ended) => {
        if (!counts(ended) || --left > 0) return;
        this.#waiting.delete(hear);
        resolve();
      };
      this.#waiting.add(hear);
    });
  }

  async stop(): Promise<void> {
    await this.#wake.stop();
    await this.#engine.stop();
    await this.pool.end();
  }
}
