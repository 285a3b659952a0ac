import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { migrateUp } from '../../../src/main/migrate/apply.ts';
import { eventually, type MigrationBench, migrationBench } from '../../support/migration-bench.ts';

const A = '20260101000000_a';
const B = '20260102000000_b';

// The first in this file, as those behind it load the parser.
test('a thousand applied pairs are checked in less than a second, with one look at the ledger', async (t) => {
  const bench = await migrationBench(t);
  for (let n = 0; n < 1000; n += 1) {
    const time = new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString().replaceAll(/\D/g, '').slice(0, 14);
    await bench.pair(`${time}_n`, 'select 1;', 'select 2;');
  }
  // In another process, which loads the parser.
  await bench.migrateAlone('--up');
  const looks = await looksAtLedger(bench);
  const options = { url: bench.url, directory: bench.directory, observe: () => {} };
  const before = process.cpuUsage(); // Its own: what else the machine does is not its matter.
  assert.deepEqual(await migrateUp(options), { applied: [] });
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1000;
  assert.ok(ms < 1000, `it took ${ms} ms`);
  assert.equal((await looksAtLedger(bench)) - looks, 1);
  const loaded = Object.keys(createRequire(import.meta.url).cache);
  assert.ok(!loaded.some((file) => file.includes('libpg-query')), 'the parser was loaded for nothing');
});

test('a ledger of an older layout is read as it is, and brought up to date by the next change', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, 'create table a ();', 'drop table a;');
  await bench.migrate('--up');
  await bench.pool.query(
    'alter table ai_migrations drop direction, drop statements_done, drop duration_ms, drop error',
  );
  await bench.pair(B, 'create table b ();', 'drop table b;');
  assert.match((await bench.migrate('--status')).stdout, /^1 pending, 1 applied$/m);
  assert.deepEqual(await bench.migrate('--up').then(({ code, stderr }) => [code, stderr]), [0, '']);
  assert.deepEqual(await bench.values('select direction from ai_migrations order by seq'), ['UP', 'UP']);
  assert.equal((await bench.migrate('--rollback', '-n', '2')).code, 0);
});

test("a table of that name that is not Heddle's is left alone, and said plainly", async (t) => {
  const bench = await migrationBench(t);
  await bench.pool.query('create table ai_migrations (id text, version int)');
  await bench.pair(A, 'create table a ();', 'drop table a;');
  for (const command of ['--up', '--status', '--rollback']) {
    const { code, stderr } = await bench.migrate(command);
    assert.equal(code, 3, command);
    assert.match(stderr, /^the table ai_migrations is not Heddle's: it has no seq, up_checksum, /);
  }
});

/** A session counts what it has scanned when it ends. */
async function looksAtLedger({ values }: MigrationBench): Promise<number> {
  const others = `select count(*)::int from pg_stat_activity
    where application_name = 'heddle-migrate' and datname = current_database()`;
  await eventually('the session has ended', async () => (await values(others))[0] === 0);
  const looks =
    "select seq_scan + coalesce(idx_scan, 0) from pg_stat_user_tables where relname = 'ai_migrations'";
  return Number((await values(looks))[0]);
}
