import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { Heddle } from '../support/heddle.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { waitFor } from '../support/wait-for.ts';

/* Several runner processes on one database, as their containers run them. */

const TASKS_DIR = fileURLToPath(new URL('../fixtures/tasks', import.meta.url));
let database: TestDatabase;
let directory: string;

before(async () => {
  database = await createTestDatabase();
  directory = await temporaryDirectory();
});

after(async () => {
  await database.drop();
  await rm(directory, { recursive: true, force: true });
});

test('of two runners one leads, the other stands by, and takes over with all tasks when the first is killed', async () => {
  const first = startRunner();
  await role('leader', 1);
  const second = startRunner();
  await role('standby', 1);
  await waitFor('the second to say so', () => second.events('runner_standby')[0]);

  const id = await add('wait', { ms: 700 });
  await waitFor('the task to run', async () => (await task(id)).status === 'running');
  first.child.kill('SIGKILL');
  await first.ended;
  const killedAt = performance.now();
  await waitFor('the second to lead', () => second.events('leader_elected')[0]);
  assert.ok(performance.now() - killedAt < 5000, 'on one host a takeover takes no lease');
  await waitFor('the task to complete', async () => (await task(id)).status === 'completed');
  assert.equal((await task(id)).attempt, 2);
  assert.equal(await second.stop(), 0);
  assert.equal(second.events('task_rescued').length, 1);
});

test('in shared mode both claim, and one leads', async () => {
  const runners = [startRunner({ RUNNER_MODE: 'shared' }), startRunner({ RUNNER_MODE: 'shared' })];
  await role('leader', 1);
  await role('member', 1);
  const ids: string[] = [];
  for (let count = 0; count < 8; count++) ids.push(await add('wait', { ms: 400 }));
  for (const id of ids) await waitFor('all to complete', async () => (await task(id)).status === 'completed');
  const by = new Set(await Promise.all(ids.map(async (id) => (await task(id)).runner_id)));
  assert.equal(by.size, 2);
  assert.deepEqual(await Promise.all(runners.map((runner) => runner.stop())), [0, 0]);
});

test('a runner serves its own health, also as a standby', async () => {
  const ports = [freshPort(), freshPort()];
  const runners = ports.map((port) => startRunner({ RUNNER_PORT: String(port) }));
  for (const port of ports) await waitFor('its health', () => isHealthy(port), 20_000);
  assert.deepEqual(await Promise.all(runners.map((runner) => runner.stop())), [0, 0]);
});

function startRunner(env: Record<string, string> = {}): Heddle {
  const own = {
    DATABASE_URL: database.url,
    THREADS: '1',
    RUNNER_PORT: '0',
    STOP_GRACE_SECONDS: '2',
    TASKS_DIR,
  };
  return new Heddle(['runner'], { ...own, ...env }, directory);
}

async function isHealthy(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => null); // It does not listen yet.
  return answer?.status === 200;
}

/** Below the ports that systems give away by themselves. */
function freshPort(): number {
  return 10_000 + Math.floor(Math.random() * 20_000);
}

async function role(name: string, count: number): Promise<void> {
  await waitFor(
    `${count} to be ${name}`,
    async () => {
      const { rows } = await database
        .pool()
        .query(
          `select from runners where role = $1 and status <> 'stopped' and last_seen_at > now() - interval '5 seconds'`,
          [name],
        );
      return rows.length === count;
    },
    20_000,
  );
}

async function add(type: string, params: object): Promise<string> {
  const { rows } = await database.pool().query<{ id: string }>(
    `with added as (
       insert into tasks (type, params, status, max_retries) values ($1, $2, 'queued', 1) returning id
     ), told as materialized (select pg_notify('heddle_due', '0'))
     select id from added, told`,
    [type, params],
  );
  return (rows[0] as { id: string }).id;
}

async function task(id: string): Promise<{ status: string; attempt: number; runner_id: string }> {
  const { rows } = await database
    .pool()
    .query('select status, attempt, runner_id from tasks where id = $1', [id]);
  return rows[0] as { status: string; attempt: number; runner_id: string };
}

test('a runner that waits for its database stops at once when it is told to', async () => {
  const nowhere = 'postgresql://heddle:secret@127.0.0.1:9/nowhere';
  const runner = startRunner({ DATABASE_URL: nowhere });
  await waitFor(
    'it to wait',
    () => runner.stdout.includes('ECONNREFUSED') || runner.stderr.includes('ECONNREFUSED'),
  );
  assert.equal(await runner.stop(), 0);
});
