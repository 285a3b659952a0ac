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

test('a runner starts on a database that is newer than itself, and warns', async () => {
  await bench.query(`insert into ai_migrations (id, up_checksum, down_checksum, down_sql, status, applied_by)
    values ('29991231235959_newer', 'a', 'b', 'select 1', 'applied', 'a newer release')`);
  const runner = await bench.runner();
  assert.deepEqual(runner.events('migrations_newer')[0]?.ids, ['29991231235959_newer']);
  await bench.query("delete from ai_migrations where id = '29991231235959_newer'");
});

test('a runner does not start on a database whose migration did not run to its end', async () => {
  await bench.query("update ai_migrations set status = 'failed', error = 'a_UP.sql:3: boom' where seq = 2");
  const runner = bench.heddle('runner');
  assert.notEqual(await runner.ended, 0);
  assert.match(
    `${runner.stdout}${runner.stderr}`,
    /a_UP\.sql:3: boom; it did not run to its end, .*--repair \d+_functions --as applied or --as pending/,
  );
  await bench.query("update ai_migrations set status = 'applied', error = null where seq = 2");
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
