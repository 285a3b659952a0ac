import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import type { taskAttempts } from '../../drizzle/schema/tasks.ts';
import { connect } from '../../src/main/database/connect.ts';
import { type Discovery, discover } from '../../src/main/engine/discover.ts';
import { Engine } from '../../src/main/engine/engine.ts';
import type { StuckLimits } from '../../src/main/engine/kill.ts';
import { publishTaskTypes } from '../../src/main/engine/publish.ts';
import { type Submission, submit } from '../../src/main/engine/submit.ts';
import { isFinished, type TaskRow } from '../../src/main/engine/task.ts';
import type { ThreadOptions } from '../../src/main/engine/task-thread.ts';
import { TaskTypeCatalogue } from '../../src/main/engine/task-types.ts';
import { type CapturedEvents, captureEvents } from './capture-events.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { addLiveRunner } from './runner-row.ts';
import { waitFor } from './wait-for.ts';

export interface TestEngineOptions {
  threads?: number;
  maxHeapMb?: number;
  killGraceMs?: number;
  stuckMs?: StuckLimits;
  onStuck?: () => void;
  /** Default: more than any test needs, whatever else runs in its process. */
  memoryLimitMb?: number;
  /** Searched after the fixtures' own. */
  taskFolders?: string[];
  /** Default: a new one, which `stop` drops. */
  database?: TestDatabase;
  /** Default: it claims at once. */
  closed?: boolean;
}

type SubmitOptions = Omit<Submission, 'type' | 'params'>;
export type AttemptRow = typeof taskAttempts.$inferSelect;

export interface TestEngine {
  engine: Engine;
  runnerId: string;
  database: TestDatabase;
  /** Not the engine's own, whose connections have the application_name `engine ID`. */
  pool: pg.Pool;
  events: CapturedEvents;
  /** What tasks wrote to their `log`, parsed. */
  logLines: Record<string, unknown>[];
  /** Submits one task and wakes the engine. @returns its id */
  submit(type: string, params?: unknown, options?: SubmitOptions): Promise<string>;
  /** Submits many in one statement. @returns their ids */
  submitAll(type: string, params: unknown[], options?: SubmitOptions): Promise<string[]>;
  task(id: string): Promise<TaskRow>;
  /** The recorded attempts of a task, oldest first. */
  attempts(id: string): Promise<AttemptRow[]>;
  /** Waits until the task is completed, failed or cancelled. */
  finished(id: string, timeoutMs?: number): Promise<TaskRow>;
  /** Waits until the task has the status. */
  reaches(id: string, status: TaskRow['status'], timeoutMs?: number): Promise<TaskRow>;
  /** Waits until a thread runs the task. Its file may still be loading. */
  begins(id: string): Promise<void>;
  /** Waits until the task has written a line to its log. */
  speaks(id: string): Promise<void>;
  stop(): Promise<void>;
}

/** A real engine with the fixture tasks, on a real database. */
export async function startTestEngine(options: TestEngineOptions = {}): Promise<TestEngine> {
  const database = options.database ?? (await createTestDatabase());
  const events = captureEvents();
  const logLines: Record<string, unknown>[] = [];
  const pool = database.pool();
  const runnerId = randomUUID();
  const enginePool = connect(database.url, `engine ${runnerId}`, events.observe);
  const threadOptions = threadOptionsFor(database.url, options);
  const { types } = await discoverOnce(threadOptions);
  await publishTaskTypes(pool, types);
  await addLiveRunner(pool, runnerId);
  const catalogue = new TaskTypeCatalogue(pool);
  const engine = new Engine({
    runnerId,
    database: enginePool,
    catalogue,
    types,
    threads: options.threads ?? 2,
    threadOptions,
    killGraceMs: options.killGraceMs ?? 300,
    ...(options.stuckMs && { stuckMs: options.stuckMs }),
    ...(options.onStuck && { onStuck: options.onStuck }),
    memoryLimitMb: options.memoryLimitMb ?? 4096,
    observe: events.observe,
    logStream: { write: (line) => void logLines.push(JSON.parse(line) as Record<string, unknown>) },
  });
  await engine.start();
  await waitFor('all threads', () => engine.state.threads.length === engine.state.size);
  if (options.closed !== true) engine.open();

  async function task(id: string): Promise<TaskRow> {
    const { rows } = await pool.query<TaskRow>('select * from tasks where id = $1', [id]);
    return rows[0] as TaskRow;
  }

  async function submitAll(type: string, params: unknown[], submitOptions: SubmitOptions = {}) {
    const submissions = params.map((one) => ({ ...submitOptions, type, params: one }));
    const submitted = await submit(pool, catalogue, submissions, 'test');
    engine.wake((submitOptions.delay_seconds ?? 0) * 1000); // As the notification would.
    return submitted.map((one) => one.task.id);
  }

  return {
    engine,
    runnerId,
    database,
    pool,
    events,
    logLines,
    task,
    submitAll,
    async submit(type, params = {}, submitOptions = {}) {
      const [id] = await submitAll(type, [params], submitOptions);
      return id as string;
    },
    async attempts(id) {
      const { rows } = await pool.query<AttemptRow>(
        'select * from task_attempts where task_id = $1 order by claim_token',
        [id],
      );
      return rows;
    },
    finished: (id, timeoutMs) =>
      waitFor(`the end of task ${id}`, () => when(task(id), ({ status }) => isFinished(status)), timeoutMs),
    reaches: (id, wanted, timeoutMs) =>
      waitFor(
        `task ${id} to be ${wanted}`,
        () => when(task(id), ({ status }) => status === wanted),
        timeoutMs,
      ),
    async begins(id) {
      await waitFor(`task ${id} to begin`, () =>
        engine.state.threads.some(({ flight }) => flight?.task.id === id && flight.ageMs() > 0),
      );
    },
    async speaks(id) {
      await waitFor(`a line of task ${id}`, () => logLines.some(({ task_id }) => task_id === id));
    },
    async stop() {
      await engine.stop();
      await enginePool.end();
      if (options.database === undefined) await database.drop();
    },
  };
}

const FIXTURES = fileURLToPath(new URL('../fixtures/tasks', import.meta.url));

/** What a test engine's threads are started with. */
export function threadOptionsFor(databaseUrl: string, options: TestEngineOptions = {}): ThreadOptions {
  return {
    databaseUrl,
    taskFolders: [FIXTURES, ...(options.taskFolders ?? [])],
    logLevel: 'info',
    maxHeapMb: options.maxHeapMb ?? 64,
    bootTimeoutMs: 20_000,
  };
}

const discoveries = new Map<string, Promise<Discovery>>();

/** Loading all fixtures takes a moment, and they do not change. */
function discoverOnce(options: ThreadOptions): Promise<Discovery> {
  const key = options.taskFolders.join();
  const discovery = discoveries.get(key) ?? discover(options);
  discoveries.set(key, discovery);
  return discovery;
}

async function when<T>(value: Promise<T>, holds: (value: T) => boolean): Promise<T | null> {
  const settled = await value;
  return holds(settled) ? settled : null;
}
