import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { taskAttempts } from '../../drizzle/schema/tasks.ts';
import { isFinished, type TaskRow } from '../../src/main/engine/task.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { Heddle } from './heddle.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { waitFor } from './wait-for.ts';

export type AttemptRow = typeof taskAttempts.$inferSelect;

/** Of a task that is put into the table as any SQL client could. */
export interface Row {
  max_retries?: number;
  timeout_seconds?: number;
  priority?: number;
  delay_seconds?: number;
}

/** Real processes on one database, to be broken. */
export class FaultBench {
  readonly database: TestDatabase;
  readonly #directory: string;
  readonly #started: Heddle[] = [];

  /** @param database default: a new, migrated one */
  static async open(database?: TestDatabase): Promise<FaultBench> {
    const bench = new FaultBench(database ?? (await createTestDatabase()), await temporaryDirectory());
    await bench.query(AS_BY_DEFAULT);
    return bench;
  }

  private constructor(database: TestDatabase, directory: string) {
    this.database = database;
    this.#directory = directory;
  }

  async close(): Promise<void> {
    await this.endAll();
    await this.database.drop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** Kills every process that was started here and still lives. */
  async endAll(): Promise<void> {
    await Promise.all(this.#started.splice(0).map((heddle) => this.kill(heddle)));
  }

  /** `heddle runner`, `start` or `api` with the fixtures of `test/fixtures/faults`. */
  heddle(command: string, env: Record<string, string> = {}): Heddle {
    const own = {
      DATABASE_URL: this.database.url,
      PORT: '0',
      RUNNER_PORT: '0',
      THREADS: '2',
      LEASE_SECONDS: '2',
      STOP_GRACE_SECONDS: '1',
      TASKS_DIR,
    };
    const heddle = new Heddle([command], { ...own, ...env }, this.#directory);
    this.#started.push(heddle);
    return heddle;
  }

  /** A runner that is up: it leads, or stands by. */
  async runner(env: Record<string, string> = {}): Promise<Heddle> {
    const runner = this.heddle('runner', env);
    await waitFor(
      'the runner to start',
      () => {
        if (runner.child.exitCode !== null) throw new Error(`it ended: ${runner.stderr}${runner.stdout}`);
        return runner.events('runner_started')[0];
      },
      30_000,
    );
    return runner;
  }

  async kill(heddle: Heddle): Promise<void> {
    heddle.child.kill('SIGKILL');
    await heddle.ended;
  }

  /** @returns the new tasks' ids, in the order of their params */
  async submitAll(type: string, params: readonly unknown[], row: Row = {}): Promise<string[]> {
    const { max_retries = 3, timeout_seconds = null, priority = 0, delay_seconds = 0 } = row;
    const { rows } = await this.query<{ id: string }>(SUBMIT, [
      type,
      JSON.stringify(params),
      max_retries,
      timeout_seconds,
      priority,
      delay_seconds,
    ]);
    return rows.map(({ id }) => id);
  }

  async submit(type: string, params: unknown = {}, row: Row = {}): Promise<string> {
    const [id] = await this.submitAll(type, [params], row);
    return id as string;
  }

  async task(id: string): Promise<TaskRow> {
    const { rows } = await this.query<TaskRow>('select * from tasks where id = $1', [id]);
    return rows[0] as TaskRow;
  }

  /** The recorded attempts of a task, oldest first: that is all but one that completed it. */
  async attempts(id: string): Promise<AttemptRow[]> {
    const { rows } = await this.query<AttemptRow>(
      'select * from task_attempts where task_id = $1 order by claim_token',
      [id],
    );
    return rows;
  }

  async outcomes(id: string): Promise<string[]> {
    return (await this.attempts(id)).map(({ outcome }) => outcome);
  }

  /** Waits until the task is completed, failed or cancelled. */
  async finished(id: string, timeoutMs = 20_000): Promise<TaskRow> {
    return waitFor(
      `the end of task ${id}`,
      async () => {
        const task = await this.task(id);
        return isFinished(task.status) ? task : null;
      },
      timeoutMs,
    );
  }

  async reaches(id: string, status: TaskRow['status'], timeoutMs = 20_000): Promise<TaskRow> {
    return waitFor(
      `task ${id} to be ${status}`,
      async () => {
        const task = await this.task(id);
        return task.status === status ? task : null;
      },
      timeoutMs,
    );
  }

  /** Waits until a thread runs the task, which is later than its claim. It has to show its progress. */
  async begins(id: string): Promise<void> {
    await waitFor(`task ${id} to begin`, async () => (await this.task(id)).progress !== null);
  }

  /** Waits until PostgreSQL has noticed that killed processes are gone: what they had sent is done or undone. */
  async backendsGone(): Promise<void> {
    await waitFor('the backends to end', async () => (await this.query(BACKENDS)).rowCount === 0);
  }

  /** The id of the runner row of a process. */
  async runnerId(heddle: Heddle): Promise<string> {
    const { rows } = await this.query<{ id: string }>(
      'select id from runners where pid = $1 order by started_at desc limit 1',
      [heddle.child.pid],
    );
    return (rows[0] as { id: string }).id;
  }

  query<R extends Record<string, unknown> = Record<string, unknown>>(text: string, values: unknown[] = []) {
    return this.database.pool().query<R>(text, values);
  }
}

export const TASKS_DIR = fileURLToPath(new URL('../fixtures/faults', import.meta.url));

/** $1 type, $2 params as a JSON array, $3 max_retries, $4 timeout, $5 priority, $6 delay. Ids are drawn in order. */
const SUBMIT = `
with added as (
  insert into tasks (type, params, status, max_retries, timeout_seconds, priority, run_at)
  select $1, value, 'queued', $3::int, $4::float8, $5::int, now() + make_interval(secs => $6::float8)
  from jsonb_array_elements($2::jsonb) with ordinality order by ordinality
  returning id
), told as materialized (select pg_notify('heddle_due', ($6::float8 * 1000)::int::text))
select id from added, told order by id`;

/** A server of our own looks whether the clients of its backends are still there. Others do not, unless told to. */
const AS_BY_DEFAULT = `
do $$ begin
  execute format('alter database %I set client_connection_check_interval = 0', current_database());
end $$`;

const BACKENDS = `
select from pg_stat_activity where datname = current_database() and application_name like 'heddle%'`;
