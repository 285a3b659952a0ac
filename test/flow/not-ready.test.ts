import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts';
import { FaultBench } from '../support/fault-bench.ts';
import type { Heddle } from '../support/heddle.ts';
import { waitFor } from '../support/wait-for.ts';

/* What a supervisor sees of a process that cannot work yet: its health, and one line that says why. */

let database: TestDatabase;
let bench: FaultBench;

before(async () => {
  database = await createEmptyDatabase();
  bench = await FaultBench.open(database);
});

afterEach(() => bench.endAll());

after(() => bench.close());

const NOWHERE = 'postgresql://nobody@127.0.0.1:1/nothing';

test('an API before the migrations says what it waits for, once, and becomes ready by itself', async () => {
  const api = bench.heddle('api');
  const url = await listening(api, 'api_listening');
  const { reason } = await waitFor('a word', () => api.events('api_waiting')[0]);
  assert.match(
    String(reason),
    /^migrations are pending; a runner applies them at its start, or: heddle migrate/,
  );
  assert.deepEqual(await health(url), [503, 'unavailable', 'ok', 'pending']);

  await bench.runner();
  await waitFor('it to be ready', () => api.events('api_ready')[0]);
  assert.deepEqual(await health(url), [200, 'ok', 'ok', 'ok']);
  assert.equal(api.events('api_waiting').length, 1);
});

test('an API with a wrong password lives, and says so', async () => {
  const wrong = Object.assign(new URL(database.url), { password: 'very-secret' }).href;
  const api = bench.heddle('api', { DATABASE_URL: wrong });
  const url = await listening(api, 'api_listening');
  const { reason } = await waitFor('a word', () => api.events('api_waiting')[0]);
  assert.match(String(reason), /^the database cannot be used: password authentication failed for user/);
  assert.deepEqual(await health(url), [503, 'unavailable', 'away', 'unknown']);
  assert.doesNotMatch(api.stdout + api.stderr, /very-secret/);
  assert.equal(await api.stop(), 0);
});

test('a runner without its database waits, and its health says so', async () => {
  const runner = bench.heddle('runner', { DATABASE_URL: NOWHERE });
  const url = await listening(runner, 'runner_listening');
  const { reason } = await waitFor('a word', () => runner.events('migration_waiting')[0], 15_000);
  assert.match(String(reason), /^the database is not up: .*ECONNREFUSED/);
  assert.deepEqual(await health(url), [503, 'starting', 'away', 'unknown']);
  assert.equal((await fetch(`${url}/health/live`)).status, 200);
  assert.equal(await runner.stop(), 0);
  assert.equal(runner.events('migration_waiting').length, 1);
});

test('a second runner stands by, and both are well', async () => {
  const [first, second] = [await bench.runner(), await bench.runner()];
  await waitFor('it to stand by', () => second.events('runner_standby')[0]);
  for (const runner of [first, second]) {
    const url = await listening(runner, 'runner_listening');
    await waitFor('it to be well', async () => (await fetch(`${url}/health`)).status === 200);
  }
});

test('a runner that drains says so', async () => {
  const runner = await bench.runner({ STOP_GRACE_SECONDS: '60' });
  const url = await listening(runner, 'runner_listening');
  const id = await bench.submit('wait', { ms: 60_000 });
  await bench.begins(id);
  runner.child.kill('SIGTERM');
  await waitFor('the drain', async () => (await health(url))[1] === 'draining');
  await bench.kill(runner);
});

async function listening(heddle: Heddle, event: string): Promise<string> {
  const { url } = await waitFor('it to listen', () => heddle.events(event)[0], 15_000);
  return String(url);
}

/** The code, and status, database and migrations. */
async function health(url: string): Promise<unknown[]> {
  const answer = await fetch(`${url}/health`);
  const { status, database, migrations } = (await answer.json()) as Record<string, string>;
  return [answer.status, status, database, migrations];
}
