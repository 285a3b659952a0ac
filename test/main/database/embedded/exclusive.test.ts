import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { startEmbedded } from '../../../../src/main/database/embedded/start.ts';
import { captureEvents } from '../../../support/capture-events.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { query, setup, spawnOwner } from './setup.ts';

test('a second start on the same data is told who has it, and disturbs nobody', async (t) => {
  const { dataDir, start } = await setup(t);
  const first = await start();
  const second = spawnOwner(t, dataDir);
  await assert.rejects(second.server, {
    message: `another heddle start (pid ${process.pid}) is using ${dataDir}; stop it, or set HEDDLE_DATA_DIR or DATABASE_URL\n`,
  });
  assert.deepEqual(await query(first.url, 'select 1 as one'), [{ one: 1 }]);
  await first.stop();
});

test('a server whose owner was killed is adopted, with all that was committed', async (t) => {
  const { dataDir, spawnOwner } = await setup(t);
  const owner = spawnOwner();
  const left = await owner.server;
  await query(left.url, 'create table kept as select 42 as answer');
  await owner.kill();

  const { observe, of } = captureEvents();
  const adopted = await startEmbedded({ dataDir, observe });
  assert.equal(adopted.pid, left.pid);
  assert.equal(adopted.url, left.url);
  assert.equal(of('embedded_database_started')[0]?.adopted, true);
  assert.deepEqual(await query(adopted.url, 'select answer from kept'), [{ answer: 42 }]);
  await adopted.stop();
  await assert.rejects(query(adopted.url, 'select 1'), { code: 'ECONNREFUSED' });
});

test('of two first starts at once one gets the database and the other a clear error', async (t) => {
  const { dataDir, spawnOwner } = await setup(t);
  const results = await Promise.allSettled([spawnOwner().server, spawnOwner().server]);
  const winners = results.filter((result) => result.status === 'fulfilled');
  const losers = results.filter((result) => result.status === 'rejected');
  assert.equal(winners.length, 1, JSON.stringify(results));
  assert.match(String(losers[0]?.reason), /another heddle start \(pid \d+\) is using/);
  assert.deepEqual(await query(winners[0]?.value.url as string, 'select 1 as one'), [{ one: 1 }]);
  assert.deepEqual((await readdir(dataDir)).sort(), ['postgres', 'postgres.log']);
});

test('after a crash inside the server its owner is its owner again', async (t) => {
  const { dataDir } = await setup(t);
  const { observe, next } = captureEvents();
  const server = await startEmbedded({ dataDir, observe });
  const [victim] = await query(
    server.url,
    `select pid from pg_stat_activity where application_name = 'heddle start ${process.pid}'`,
  );
  // PostgreSQL answers the violent death of one process by restarting them all.
  process.kill(victim?.pid as number, 'SIGKILL');
  await next('database_error', ({ during }) => during === 'owning the embedded database');
  await waitFor('the lock to be back', () =>
    query(server.url, "select from pg_locks where locktype = 'advisory'").then(
      (locks) => locks.length === 1,
      () => false,
    ),
  );
  await assert.rejects(spawnOwner(t, dataDir).server, /another heddle start/);
  await server.stop();
});
