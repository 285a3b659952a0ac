import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrationBench } from '../../support/migration-bench.ts';
import { schemaOf } from '../../support/schema-of.ts';

const A = '20260101000000_a';
const B = '20260102000000_b';

const LEDGER = 'select id from ai_migrations order by seq';

test('rolled back and applied again, the schema is the same and the row is a new one', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, 'create table a (id int primary key);', 'drop table a;');
  await bench.pair(B, 'create index a_half on a (id) where id > 1;', 'drop index a_half;');
  await bench.migrate('--up');
  const before = await schemaOf(bench.pool);
  const [seq] = await bench.values(`select seq from ai_migrations where id = '${B}'`);

  const { code, stdout } = await bench.migrate('--rollback', '-n', '1');
  assert.equal(code, 0);
  assert.match(stdout, new RegExp(`^rolled back ${B} \\(\\d+ ms\\)\n$`));
  assert.deepEqual(await bench.values(LEDGER), [A]);

  assert.equal((await bench.migrate('--up')).code, 0);
  assert.deepEqual(await schemaOf(bench.pool), before);
  assert.notEqual((await bench.values(`select seq from ai_migrations where id = '${B}'`))[0], seq);
});

test('asked for more than there is, it undoes what there is and says so; the ledger stays', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, 'create table a ();', 'drop table a;');
  await bench.pair(B, 'create table b ();', 'drop table b;');
  await bench.migrate('--up');
  const { code, stdout } = await bench.migrate('--rollback', '-n', '5');
  assert.equal(code, 0);
  assert.match(stdout, new RegExp(`^rolled back ${B}.*\nrolled back ${A}.*\nno more than 2 were applied\n$`));
  assert.deepEqual(await bench.values(LEDGER), []);
  assert.deepEqual(await bench.migrate('--rollback'), { code: 0, stdout: 'nothing to do\n', stderr: '' });
});

test('a number that makes no sense is refused and nothing changes', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, 'create table a ();', 'drop table a;');
  await bench.migrate('--up');
  for (const wrong of [['-n', '0'], ['-n', '-1'], ['-n=-1'], ['-n', 'x'], ['-n', '1.5'], ['-n', ''], ['-n']])
    assert.equal((await bench.migrate('--rollback', ...wrong)).code, 2, wrong.join(' '));
  assert.deepEqual(await bench.values(LEDGER), [A]);
});

test('a DOWN that fails leaves its migration applied, and what was undone before it stays undone', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, 'create table a ();', 'drop table a;\ndrop table missing;');
  await bench.pair(B, 'create table b ();', 'drop table b;');
  await bench.migrate('--up');
  const { code, stderr } = await bench.migrate('--rollback', '-n', '2');
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`^${A}_DOWN.sql:2: table "missing" does not exist \\(42P01\\)`));
  assert.deepEqual(await bench.values(LEDGER), [A]);
  assert.deepEqual(await bench.values("select to_regclass('a')::text"), ['a']);
});

test('an irreversible migration refuses the rollback with its reason, before anything is undone', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, 'create table a ();', '-- heddle:irreversible the old names are lost');
  await bench.pair(B, 'create table b ();', 'drop table b;');
  await bench.migrate('--up');
  const { code, stderr } = await bench.migrate('--rollback', '-n', '2');
  assert.equal(code, 3);
  assert.equal(stderr, `${A}_DOWN.sql: it cannot be undone: the old names are lost\n`);
  assert.deepEqual(await bench.values(LEDGER), [A, B]);
  assert.equal((await bench.migrate('--rollback')).code, 0);
});

test('without its files a migration is undone by what the ledger has kept', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, 'create table a ();', '-- heddle:no-transaction\ndrop table a;');
  await bench.migrate('--up');
  await bench.remove(`${A}_UP.sql`);
  await bench.remove(`${A}_DOWN.sql`);
  assert.deepEqual(await bench.migrate('--rollback').then(({ code, stderr }) => [code, stderr]), [0, '']);
  assert.deepEqual(await bench.values("select to_regclass('a')"), [null]);
});

test('a DOWN without a transaction that failed at its start can be tried again, later on it cannot', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, 'create table a ();', '-- heddle:no-transaction\nselect 1/0;\ndrop table a;');
  await bench.migrate('--up');
  assert.equal((await bench.migrate('--rollback')).code, 1);
  assert.equal((await bench.migrate('--rollback')).code, 1);
  await bench.file(`${A}_DOWN.sql`, '-- heddle:no-transaction\ndrop table a;\nselect 1/0;');
  assert.equal((await bench.migrate('--rollback')).code, 1);
  const stuck = await bench.migrate('--rollback');
  assert.equal(stuck.code, 3);
  assert.match(stuck.stderr, new RegExp(`^${A}_DOWN.sql:3: division by zero`));
});
