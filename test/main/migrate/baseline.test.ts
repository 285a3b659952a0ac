import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrationBench } from '../../support/migration-bench.ts';

const A = '20260101000000_a';
const B = '20260102000000_b';
const C = '20260103000000_c';

const LEDGER = 'select id from ai_migrations order by seq';

test('a database that was made by hand is adopted up to a migration, and the rest is applied', async (t) => {
  const bench = await migrationBench(t);
  await bench.pool.query('create table a (); create table b ()');
  for (const id of [A, B, C])
    await bench.pair(id, `create table ${id.at(-1)} ();`, `drop table ${id.at(-1)};`);
  const { code, stdout, stderr } = await bench.migrate('--baseline', B);
  assert.equal(code, 0, stderr);
  assert.equal(
    stdout,
    `${A} counts as applied, and was not run\n${B} counts as applied, and was not run\n` +
      'Their tables are there. Columns, indexes, functions and data were not checked.\n',
  );
  assert.match(String(await bench.values('select applied_by from ai_migrations')), / by --baseline/);
  const up = await bench.migrate('--up');
  assert.match(up.stdout, new RegExp(`^applied ${C} \\(.*\\)\n$`));
  assert.deepEqual(await bench.values(LEDGER), [A, B, C]);
  assert.equal((await bench.migrate('--rollback', '-n', '3')).code, 0);
});

test('what is adopted already is left alone, and more can be adopted behind it', async (t) => {
  const bench = await migrationBench(t);
  await bench.pool.query('create table a (); create table b ()');
  for (const id of [A, B]) await bench.pair(id, `create table ${id.at(-1)} ();`, `drop table ${id.at(-1)};`);
  assert.equal((await bench.migrate('--baseline', A)).code, 0);
  assert.deepEqual(await bench.migrate('--baseline', A), { code: 0, stdout: 'nothing to do\n', stderr: '' });
  assert.match((await bench.migrate('--baseline', B)).stdout, new RegExp(`^${B} counts as applied`));
});

test('a table that is not there refuses the baseline, with the place that makes it', async (t) => {
  const bench = await migrationBench(t);
  await bench.pool.query('create schema app; create table app."The Table" (); create table late ()');
  await bench.pair(
    A,
    `create table app.early (); create table gone (); create temp table passing ();
     alter table app.early rename to "The Table"; create view v as select 1;`,
    'select 1;',
  );
  await bench.pair(
    B,
    'drop table gone;\ncreate table late as select 1;\n\ncreate table absent ();',
    'select 1;',
  );
  assert.equal((await bench.migrate('--baseline', A, '--dry-run')).code, 3);
  const { code, stderr } = await bench.migrate('--baseline', B);
  assert.equal(code, 3);
  assert.match(stderr, new RegExp(`^${B}_UP.sql:4: it makes the table "absent", .*\n$`));
  assert.deepEqual(await bench.values("select to_regclass('ai_migrations')"), [null]);
});

test('a ledger that contradicts refuses the baseline', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(B, 'create table b ();', 'drop table b;');
  await bench.migrate('--up');
  await bench.pair(A, 'create table a ();', 'drop table a;');
  const newer = await bench.migrate('--baseline', A);
  assert.deepEqual([newer.code, newer.stderr.split(':')[0]], [3, A]);
  await bench.remove(`${A}_UP.sql`);
  await bench.remove(`${A}_DOWN.sql`);

  await bench.pair(C, 'create table c ();', 'drop table c;');
  await bench.file(`${B}_UP.sql`, 'create table b (edited int);');
  assert.match((await bench.migrate('--baseline', C)).stderr, new RegExp(`^${B}_UP.sql: it was edited`));
  await bench.pool.query("update ai_migrations set status = 'running'");
  assert.match((await bench.migrate('--baseline', C)).stderr, /did not run to its end/);
  assert.deepEqual(await bench.values(LEDGER), [B]);
});

test('a baseline of a migration that does not exist is refused', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, 'create table a ();', 'drop table a;');
  const { code, stderr } = await bench.migrate('--baseline', B);
  assert.deepEqual([code, stderr], [2, `--baseline ${B}: there is no such migration\n`]);
});

test('a dry run of a baseline says what it would record, and records nothing', async (t) => {
  const bench = await migrationBench(t);
  await bench.pool.query('create table a ()');
  await bench.pair(A, 'create table a ();', 'drop table a;');
  const { code, stdout } = await bench.migrate('--baseline', A, '--dry-run');
  assert.equal(code, 0);
  assert.match(stdout, new RegExp(`^would record: ${A} counts as applied`));
  assert.deepEqual(await bench.values("select to_regclass('ai_migrations')"), [null]);
});
