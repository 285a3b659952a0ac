import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { Heddle } from '../support/heddle.ts';
import { type Pgbouncer, pgbouncerProgram, pgbouncerVersion, startPgbouncer } from '../support/pgbouncer.ts';
import { publishTaskTypes } from '../support/task-types.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { waitFor } from '../support/wait-for.ts';

/* What an API process has accepted is there, and is there once, wherever it or its connections die. */

let database: TestDatabase;
let pool: pg.Pool;
let directory: string;
const processes: Heddle[] = [];
before(async () => {
  database = await createTestDatabase();
  pool = database.pool();
  await publishTaskTypes(pool);
  directory = await temporaryDirectory();
});
afterEach(async () => {
  for (const { child } of processes) child.kill('SIGKILL');
  await Promise.all(processes.splice(0).map(({ ended }) => ended));
  await pool.query('truncate tasks, idempotency_keys cascade');
});
after(() => database?.drop());

async function startApi(databaseUrl = database.url): Promise<{ api: Heddle; url: string }> {
  const api = new Heddle(['api'], { DATABASE_URL: databaseUrl, PORT: '0' }, directory);
  processes.push(api);
  const listening = await waitFor('the API to listen', () => api.events('api_listening')[0], 20_000);
  return { api, url: listening.url as string };
}

async function submit(url: string, key?: string): Promise<Response> {
  return fetch(`${url}/api/v1/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
    body: JSON.stringify({ type: 'anything' }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
}

/** Longer than the API waits for its database. */
const PATIENCE_MS = 30_000;

async function tasks(): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>('select id from tasks');
  return rows.map(({ id }) => id);
}

describe('an API process that is killed under load', () => {
  it('has stored every task that it answered 201 to', async () => {
    const { api, url } = await startApi();
    const accepted: string[] = [];
    const caller = async () => {
      for (;;) {
        const response = await submit(url);
        assert.equal(response.status, 201);
        accepted.push(((await response.json()) as { id: string }).id);
      }
    };
    const callers = Promise.allSettled(Array.from({ length: 40 }, caller));
    await waitFor('some hundred tasks', () => accepted.length > 500, 20_000);
    api.child.kill('SIGKILL');
    await callers;
    const stored = new Set(await tasks());
    assert.deepEqual(
      accepted.filter((id) => !stored.has(id)),
      [],
    );
  });
});

describe('a connection that breaks at the commit of a request with an Idempotency-Key', () => {
  let proxy: TcpProxy;
  before(async () => {
    proxy = await TcpProxy.start(Number(new URL(database.url).port));
    await pool.query(SLOW_COMMIT);
  });
  after(() => proxy?.stop());

  for (const { seconds, noticesAfterMs, outcome } of [
    { seconds: 0.3, noticesAfterMs: 0, outcome: 'is committed all the same' },
    { seconds: 30, noticesAfterMs: 100, outcome: 'is rolled back' },
  ]) {
    it(`is answered 503 and can be repeated when it ${outcome}`, async () => {
      const proxied = new URL(proxy.url(database.url));
      // Whether the server looks if the other end is still there; 0: never.
      proxied.searchParams.set('options', `-c client_connection_check_interval=${noticesAfterMs}`);
      const { url } = await startApi(proxied.href);
      const key = randomUUID();
      await pool.query('update commit_takes set seconds = $1', [seconds]);
      const first = submit(url, key);
      await waitFor('its commit', committing);
      proxy.cut();
      const lost = await first;
      assert.equal(lost.status, 503);
      assert.match(((await lost.json()) as { detail: string }).detail, /safe to repeat/);
      await pool.query('update commit_takes set seconds = 0');

      const repeat = await waitFor('an answer to the repeat', async () => {
        const response = await submit(url, key);
        return response.status === 201 ? response : null;
      });
      const { id } = (await repeat.json()) as { id: string };
      assert.deepEqual(await tasks(), [id]);
      assert.equal(repeat.headers.get('idempotent-replayed'), noticesAfterMs === 0 ? 'true' : null);
    });
  }
});

async function committing(): Promise<boolean> {
  const { rows } = await pool.query(
    `select from pg_stat_activity
     where application_name = 'heddle api' and datname = current_database() and query = 'commit' and state = 'active'`,
  );
  return rows.length > 0;
}

/** As a slow disk would, a deferred trigger makes commits last. */
const SLOW_COMMIT = `
create table commit_takes as select 0::float8 as seconds;
create function take_time() returns trigger language plpgsql as
  $$ begin perform pg_sleep(seconds) from commit_takes; return null; end $$;
create constraint trigger slow_commit after insert on idempotency_keys deferrable initially deferred
  for each row execute function take_time()`;

const skip =
  pgbouncerProgram === undefined && 'needs the program pgbouncer: apt-get install pgbouncer, or its like';

describe(`two API processes behind PgBouncer ${pgbouncerVersion()} in transaction mode`, { skip }, () => {
  let pooler: Pgbouncer;
  before(async () => {
    pooler = await startPgbouncer(database.url);
  });
  after(() => pooler?.stop());

  it('accept each key once, and everything that has none', async () => {
    const [one, other] = await Promise.all([startApi(pooler.url), startApi(pooler.url)]);
    const keys = Array.from({ length: 30 }, () => randomUUID());
    const urls = [one.url, other.url, one.url, other.url];
    const keyed = keys.flatMap((key) => urls.map((url) => submit(url, key)));
    const others = urls.flatMap((url) => Array.from({ length: 10 }, () => submit(url)));
    const statuses = (await Promise.all([...keyed, ...others])).map(({ status }) => status);
    assert.deepEqual(new Set(statuses.filter((status) => status !== 409)), new Set([201]));
    assert.equal((await tasks()).length, 30 + 40);
  });
});
