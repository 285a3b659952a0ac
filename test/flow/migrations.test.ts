import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createEmptyDatabase } from '../support/database.ts';
import { FaultBench } from '../support/fault-bench.ts';
import { waitFor } from '../support/wait-for.ts';

/* Real processes on a database that nobody has migrated. */

let bench: FaultBench;

before(async () => {
  bench = await FaultBench.open(await createEmptyDatabase());
});

after(() => bench.close());

test('an API on an empty database makes nothing and says that migrations are pending, until a runner has migrated', async () => {
  const api = bench.heddle('api');
  const url = await waitFor('the API', () => api.events('api_listening')[0]?.url as string | undefined);
  const health = async () => {
    const answer = await fetch(`${url}/health`);
    const { migrations } = (await answer.json()) as { migrations: string };
    return [answer.status, migrations];
  };
  assert.deepEqual(await health(), [503, 'pending']);
  const submitted = await fetch(`${url}/api/v1/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ type: 'no-op', params: {} }),
  });
  assert.equal(submitted.status, 503);
  assert.deepEqual(await tables(), []);

  await bench.runner();
  await waitFor('the API to be well', async () => (await health()).join() === '200,ok');
});

test('a runner brings the tables of the agents first, then tasks, facts and documents', async () => {
  const { rows } = await bench.query<{ id: string }>('select id from ai_migrations order by seq');
  const names = rows.map(({ id }) => id.slice(15));
  assert.equal(names[0], 'agents');
  const wanted = ['agents', 'tasks', 'facts', 'documents'];
  assert.deepEqual(
    names.filter((name) => wanted.includes(name)),
    wanted,
  );
});

test('two runners that start at once on an empty database migrate it once', async (t) => {
  const empty = await FaultBench.open(await createEmptyDatabase());
  t.after(() => empty.close());
  const runners = await Promise.all([empty.runner(), empty.runner()]);
  const applied = runners.flatMap((runner) => runner.events('migration_applied').map(({ id }) => id));
  const { rows } = await empty.query<{ id: string }>('select id from ai_migrations order by seq');
  assert.deepEqual(
    [...applied].sort(),
    rows.map(({ id }) => id),
  );
});

test('a runner does not start on a database whose migration was edited after it was applied', async () => {
  await bench.query("update ai_migrations set up_checksum = 'another' where seq = 1");
  const runner = bench.heddle('runner');
  assert.notEqual(await runner.ended, 0);
  assert.match(`${runner.stdout}${runner.stderr}`, /_agents_UP\.sql: it was edited after it was applied/);
});

async function tables(): Promise<unknown[]> {
  const { rows } = await bench.query(
    "select relname from pg_class where relnamespace = 'public'::regnamespace",
  );
  return rows;
}
