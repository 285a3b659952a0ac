import assert from 'node:assert/strict';
import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { findServer } from '../../../../src/main/database/embedded/postmaster-pid.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { query, setup } from './setup.ts';

test("a killed server's committed rows are there after the next start", async (t) => {
  const { start, spawnOwner, cluster } = await setup(t);
  const owner = spawnOwner();
  const killed = await owner.server;
  await query(killed.url, 'create table kept as select generate_series(1, 1000) as n');
  process.kill(killed.pid, 'SIGKILL');
  await waitFor('the server to be gone', async () => (await findServer(cluster)) === undefined);
  await owner.kill();

  const server = await start();
  assert.notEqual(server.pid, killed.pid);
  assert.deepEqual(await query(server.url, 'select count(*)::int from kept'), [{ count: 1000 }]);
  await server.stop();
});

test('a start waits for the processes a killed server left behind', async (t) => {
  const { dataDir, start, cluster } = await setup(t);
  const killed = await start();
  // Busy computing, it does not notice that its server has died.
  const busy = query(
    killed.url,
    'select count(*) from generate_series(1, 6000) a, generate_series(1, 6000) b',
  );
  await waitFor('the query to run', async () => {
    const rows = await query(
      killed.url,
      "select from pg_stat_activity where query like '%6000%' and pid <> pg_backend_pid()",
    );
    return rows.length === 1;
  });
  process.kill(killed.pid, 'SIGKILL');
  await waitFor('the server to be gone', async () => (await findServer(cluster)) === undefined);

  const server = await start();
  assert.deepEqual(await query(server.url, 'select 1 as one'), [{ one: 1 }]);
  assert.match(await readFile(join(dataDir, 'postgres.log'), 'utf8'), /pre-existing shared memory block/);
  await Promise.allSettled([busy]);
  await server.stop();
  await killed.stop();
});

test('a left-over postmaster.pid with the id of another living process stops nobody', async (t) => {
  const { start, cluster } = await setup(t);
  const first = await start();
  const postmasterPid = await readFile(join(cluster, 'postmaster.pid'), 'utf8');
  await first.stop();
  await writeFile(join(cluster, 'postmaster.pid'), postmasterPid.replace(/^\d+/, String(process.pid)));

  const second = await start();
  assert.deepEqual(await query(second.url, 'select 1 as one'), [{ one: 1 }]);
  await second.stop();
});

test('a start that is killed during initdb leaves nothing that hinders the next', async (t) => {
  const { dataDir, start, spawnOwner } = await setup(t);
  const owner = spawnOwner();
  await waitFor('initdb to be at work', async () => {
    const unfinished = (await readdir(dataDir).catch(() => [])).find((name) =>
      name.startsWith('postgres.new-'),
    );
    return unfinished && (await readdir(join(dataDir, unfinished, 'data')).catch(() => [])).length > 0;
  });
  await owner.kill();
  await assert.rejects(owner.server);

  const server = await start();
  assert.equal(server.cold, true);
  await server.stop();
  await (await start()).stop();
  assert.deepEqual((await readdir(dataDir)).sort(), ['postgres', 'postgres.log']);
});

test('data of another major version is left alone, and the error says what to do', async (t) => {
  const { start, cluster } = await setup(t);
  await mkdir(cluster, { recursive: true });
  await writeFile(join(cluster, 'PG_VERSION'), '17\n');
  await assert.rejects(start(), {
    name: 'EmbeddedDatabaseError',
    message: /was made by PostgreSQL 17, and this Heddle brings PostgreSQL 18\. .*pg_dump.*HEDDLE_DATA_DIR/,
  });
});

test('a folder that is in the way is not touched', async (t) => {
  const { start, cluster } = await setup(t);
  await mkdir(cluster, { recursive: true });
  await writeFile(join(cluster, 'diary'), 'dear diary');
  await assert.rejects(start(), { name: 'EmbeddedDatabaseError', message: /is in the way/ });
  assert.deepEqual(await readdir(cluster), ['diary']);
});

test('a server that does not start is quoted', async (t) => {
  const { start, cluster } = await setup(t);
  await (await start()).stop();
  await appendFile(join(cluster, 'postgresql.conf'), "wal_level = 'nonsense'\n");
  await assert.rejects(start(), {
    name: 'EmbeddedDatabaseError',
    message: /did not start; the end of its log:\n.*invalid value for parameter "wal_level": "nonsense"/s,
  });
});
