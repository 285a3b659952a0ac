import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { connect, type Queryable } from '../../src/main/database/connect.ts';
import type { TaskRow } from '../../src/main/engine/task.ts';
import { migrateUp } from '../../src/main/migrate/apply.ts';
import { collectRows, countUnfinished, prepareEvidence } from '../soak/evidence.ts';
import { type Violation, violationsOfTasks } from '../soak/invariants.ts';
import { patient } from '../soak/patience.ts';
import type { AttemptRow } from './engine.ts';
import { Heddle } from './heddle.ts';
import { OwnServer } from './own-server.ts';
import { withDatabase } from './template-database.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { waitFor } from './wait-for.ts';

/**
 * A PostgreSQL of a test's own that can be hit, and Heddle's processes on it, as people run them: with a role that is
 * no superuser. The task types are those of test/fixtures/faults.
 */
export class Site {
  readonly server: OwnServer;
  /** For Heddle's processes. */
  readonly url: string;
  /** A superuser's, so that there is a connection left for it, and with settings of its own. */
  readonly pool: pg.Pool;
  /** The same, waiting for a database that is away. */
  readonly database: Queryable;
  readonly #directory: string;
  readonly #processes: Heddle[] = [];
  readonly #accepted: string[] = [];

  static async start(): Promise<Site> {
    const server = await OwnServer.start();
    try {
      await onServer(server.url, SETUP);
      return await Site.#on(server);
    } catch (error) {
      await server.remove();
      throw error;
    }
  }

  static async #on(server: OwnServer): Promise<Site> {
    const site = new Site(server, await temporaryDirectory());
    await migrateUp({ url: site.url, observe: () => {} });
    const own = connect(site.url, 'test', () => {}, { max: 1 });
    await prepareEvidence(own);
    await own.end();
    return site;
  }

  private constructor(server: OwnServer, directory: string) {
    this.server = server;
    this.#directory = directory;
    const url = new URL(withDatabase(server.url, ROLE));
    url.searchParams.set('options', OWN_SETTINGS);
    this.pool = connect(url.href, 'test', () => {});
    this.database = patient(this.pool);
    url.search = '';
    url.username = ROLE;
    url.password = ROLE;
    this.url = url.href;
  }

  /**
   * @param env besides what every runner here has
   * @param within a command that runs another one, as `unshare` does
   */
  runner(env: Record<string, string> = {}, within: readonly string[] = []): Heddle {
    return this.#heddle('runner', { ...RUNNER, ...env }, within);
  }

  /** `heddle api`. @returns it and its address, once it listens */
  async api(): Promise<{ api: Heddle; url: string }> {
    const api = this.#heddle('api', { PORT: '0' });
    const listening = await waitFor('the API to listen', () => api.events('api_listening')[0], 20_000);
    return { api, url: listening.url as string };
  }

  async submit(type: string, params: object = {}): Promise<string> {
    const { rows } = await this.database.query<{ id: string }>(SUBMIT, [type, params]);
    const { id } = rows[0] as { id: string };
    this.#accepted.push(id);
    return id;
  }

  /** Submits quick tasks, one after the other. @returns what ends that, and resolves when it has ended */
  stream(): () => Promise<void> {
    let on = true;
    const run = async () => {
      for (let count = 0; on; count++) {
        if (count % 2 === 0) await this.submit('soak-quick');
        else await this.submit('soak-effect', { ms: count % 20 });
        await sleep(STREAM_EVERY_MS);
      }
    };
    const ended = run();
    return () => {
      on = false;
      return ended;
    };
  }

  async task(id: string): Promise<TaskRow> {
    const { rows } = await this.database.query<TaskRow>('select * from tasks where id = $1', [id]);
    return rows[0] as TaskRow;
  }

  /** Waits until the task has the status. */
  reaches(id: string, status: TaskRow['status'], timeoutMs?: number): Promise<TaskRow> {
    return waitFor(
      `task ${id} to be ${status}`,
      async () => {
        const task = await this.task(id);
        return task.status === status ? task : null;
      },
      timeoutMs,
    );
  }

  /** The recorded attempts of a task, oldest first. */
  async attempts(id: string): Promise<AttemptRow[]> {
    const statement = 'select * from task_attempts where task_id = $1 order by claim_token';
    return (await this.database.query<AttemptRow>(statement, [id])).rows;
  }

  /** Ends all sessions of Heddle's processes and of their tasks. */
  async endSessions(): Promise<void> {
    await this.database.query(END_SESSIONS);
  }

  /** What of the promises was not kept, once every task has ended. */
  async violations(): Promise<Violation[]> {
    await waitFor(
      'all tasks to end',
      async () => Object.keys(await countUnfinished(this.database)).length === 0,
      30_000,
    );
    const rows = await collectRows(this.database);
    return violationsOfTasks({ ...rows, accepted: this.#accepted, faults: [] });
  }

  /** Ends what still runs, and removes everything. */
  async stop(): Promise<void> {
    for (const heddle of this.#processes) heddle.child.kill('SIGKILL');
    await Promise.all(this.#processes.map(({ ended }) => ended));
    await this.pool.end();
    await this.server.remove();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #heddle(command: string, env: Record<string, string>, within: readonly string[] = []): Heddle {
    const heddle = new Heddle([command], { DATABASE_URL: this.url, ...env }, this.#directory, within);
    this.#processes.push(heddle);
    return heddle;
  }
}

const ROLE = 'site';

const SETUP = [`create role ${ROLE} login password '${ROLE}'`, `create database ${ROLE} owner ${ROLE}`];

async function onServer(url: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

/** Whatever a test does to the server's settings, its own sessions go on as before. */
const OWN_SETTINGS = '-c default_transaction_read_only=off -c default_transaction_isolation=read\\ committed';

const RUNNER = {
  THREADS: '2',
  RUNNER_PORT: '0',
  STOP_GRACE_SECONDS: '2',
  TASKS_DIR: fileURLToPath(new URL('../fixtures/faults', import.meta.url)),
};

const STREAM_EVERY_MS = 10;

/** $1 type, $2 params. A retry more or less is not what is tested. */
const SUBMIT = `
with added as (
  insert into tasks (type, params, status, max_retries) values ($1, $2, 'queued', 1000) returning id
), told as materialized (select pg_notify('heddle_due', '0'))
select id from added, told`;

const END_SESSIONS = `
select pg_terminate_backend(pid)
from pg_stat_activity
where application_name like 'heddle%' and datname = current_database()`;
