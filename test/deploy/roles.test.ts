import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import { migrateUp } from '../../src/main/migrate/apply.ts';
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts';
import { read } from '../support/deploy.ts';
import { FaultBench } from '../support/fault-bench.ts';
import { waitFor } from '../support/wait-for.ts';

/* deploy/roles.sql on a real server, and Heddle under the roles that it makes. */

const ROLES = ['heddle_migrator', 'heddle_runtime', 'heddle_reader'] as const;
type Role = (typeof ROLES)[number];

let database: TestDatabase;
let bench: FaultBench;
const password = randomBytes(16).toString('hex');

before(async () => {
  database = await createEmptyDatabase();
  bench = await FaultBench.open(database);
  await makeRoles();
  for (const role of ROLES) await bench.query(`alter role ${role} password '${password}'`);
});

after(async () => {
  await bench.endAll();
  for (const role of ROLES) await bench.query(`drop owned by ${role}`);
  // A server of somebody's own may have these roles for something else, too.
  for (const role of ROLES) await bench.query(`drop role ${role}`).catch(() => {});
  await bench.close();
});

describe('the roles of deploy/roles.sql', () => {
  it('let a runner say what to do when there is something to migrate, which it may not', async () => {
    const runner = bench.heddle('runner', { DATABASE_URL: urlOf('heddle_runtime') });
    assert.equal(await runner.ended, 1);
    assert.match(
      runner.stderr,
      /^heddle: .*permission denied for schema public .*heddle migrate --up as one that may/m,
    );
    assert.equal(runner.stderr.trim().split('\n').length, 1, runner.stderr);
  });

  it('let the migrator migrate', async () => {
    const { applied } = await migrateUp({ url: urlOf('heddle_migrator'), observe: () => {} });
    assert.ok(applied.length > 0);
    await makeRoles();
  });

  it('let the runtime role run the runner and the API', async () => {
    const env = { DATABASE_URL: urlOf('heddle_runtime') };
    const runner = await bench.runner(env);
    const api = bench.heddle('api', env);
    await waitFor('the API to be ready', () => api.events('api_ready')[0], 15_000);
    const url = String(api.events('api_listening')[0]?.url);
    await waitFor(
      'the health',
      async () => ((await (await fetch(`${url}/health`)).json()) as Health).status === 'ok',
    );

    const task = await post(`${url}/api/v1/tasks`, { type: 'no-op' });
    await post(`${url}/api/v1/facts`, { text: 'the roles are enough' });
    assert.equal((await bench.finished(task.id)).status, 'completed');
    assert.equal((await fetch(`${url}/metrics`)).status, 200);
    assert.equal((await fetch(`${url}/api/v1/stats`)).status, 200);

    // A kill ends the attempt's own backends.
    const waiting = await bench.submit('wait', { ms: 60_000 });
    await bench.begins(waiting);
    await fetch(`${url}/api/v1/tasks/${waiting}/cancel`, { method: 'POST' });
    assert.equal((await bench.finished(waiting)).status, 'cancelled');

    for (const process of [runner, api]) {
      assert.equal(await process.stop(), 0);
      assert.deepEqual(process.events('database_error'), []);
    }
  });

  it('let the runtime role change no table, and not what is said to be migrated', async () => {
    await as('heddle_runtime', async (client) => {
      for (const statement of [
        'create table mine ()',
        'alter table tasks add column mine text',
        'drop table tasks',
        'truncate tasks',
        'delete from ai_migrations',
        "update ai_migrations set status = 'failed'",
      ]) {
        await assert.rejects(client.query(statement), { code: '42501' }, statement);
      }
    });
  });

  it('let the reader read, and nothing else', async () => {
    await as('heddle_reader', async (client) => {
      assert.ok(((await client.query('select * from tasks')).rowCount ?? 0) > 0);
      assert.equal((await client.query("select from facts where text like 'the roles%'")).rowCount, 1);
      for (const statement of [
        "insert into facts (text) values ('x')",
        'update tasks set priority = 1',
        'delete from tasks',
        "select heddle_submit('no-op')",
        'create table mine ()',
        'create temporary table mine ()',
      ]) {
        await assert.rejects(client.query(statement), { code: '42501' }, statement);
      }
    });
  });

  it('hold for what later migrations make', async () => {
    await as('heddle_migrator', (client) =>
      client.query('create table later (id int8 generated always as identity)'),
    );
    await as('heddle_runtime', (client) => client.query('insert into later default values'));
    await as('heddle_reader', async (client) => {
      assert.equal((await client.query('select * from later')).rowCount, 1);
      await assert.rejects(client.query('delete from later'), { code: '42501' });
    });
  });

  it('let nobody else in', async () => {
    const { rows } = await bench.query<{ may: boolean }>(
      "select has_database_privilege('public', current_database(), 'connect') as may",
    );
    assert.deepEqual(rows, [{ may: false }]);
  });
});

interface Health {
  status: string;
}

/** As psql runs it: whole. */
function makeRoles(): Promise<void> {
  return withClient(database.url, (client) => client.query(read('deploy/roles.sql')));
}

function urlOf(role: Role): string {
  return Object.assign(new URL(database.url), { username: role, password }).href;
}

function as(role: Role, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  return withClient(urlOf(role), work);
}

async function withClient(
  connectionString: string,
  work: (client: pg.Client) => Promise<unknown>,
): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

async function post(url: string, body: unknown): Promise<{ id: string }> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  assert.equal(answer.status, 201, await answer.clone().text());
  return (await answer.json()) as { id: string };
}
