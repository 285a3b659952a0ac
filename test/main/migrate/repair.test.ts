import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MigrationBench, migrationBench } from '../../support/migration-bench.ts';

const A = '20260101000000_a';
const B = '20260102000000_b';
const C = '20260103000000_c';

const LEDGER = 'select id from ai_migrations order by seq';
const EVERYTHING = 'select row_to_json(m)::text from ai_migrations m order by seq';

async function statesOf(bench: MigrationBench): Promise<string[]> {
  const { items } = JSON.parse((await bench.migrate('--status', '--json')).stdout);
  return items.map(({ state }: { state: string }) => state);
}

/** A is half-run: its first statement was done, its second one failed. */
async function halfRun(bench: MigrationBench): Promise<void> {
  await bench.pair(A, '-- heddle:no-transaction\ncreate table a ();\nselect 1/0;', 'drop table a;');
  await bench.pair(B, 'create table b ();', 'drop table b;');
  assert.equal((await bench.migrate('--up')).code, 1);
}

test('a half-run file that a person has finished counts as applied, and the next ones go on', async (t) => {
  const bench = await migrationBench(t);
  await halfRun(bench);
  const { code, stdout } = await bench.migrate('--repair', A, '--as', 'applied');
  assert.deepEqual([code, stdout], [0, `${A} counts as applied\n`]);
  assert.equal((await bench.migrate('--up')).code, 0);
  assert.deepEqual(await statesOf(bench), ['applied', 'applied']);
  assert.equal((await bench.migrate('--rollback', '-n', '2')).code, 0);
});

test('a half-run file that a person has undone is run again, as it is then', async (t) => {
  const bench = await migrationBench(t);
  await halfRun(bench);
  await bench.pool.query('drop table a');
  await bench.file(`${A}_UP.sql`, '-- heddle:no-transaction\ncreate table a ();\nselect 1;');
  const { code, stdout } = await bench.migrate('--repair', A, '--as', 'pending');
  assert.deepEqual([code, stdout], [0, `${A} counts as pending: --up runs it\n`]);
  assert.equal((await bench.migrate('--up')).code, 0);
  assert.deepEqual(await bench.values(LEDGER), [A, B]);
});

test('a half-run file that was put right by editing it is applied as it is now', async (t) => {
  const bench = await migrationBench(t);
  await halfRun(bench);
  await bench.file(`${A}_UP.sql`, '-- heddle:no-transaction\ncreate table a ();');
  const { stdout } = await bench.migrate('--repair', A, '--as', 'applied');
  assert.equal(stdout, `${A} counts as applied, with its files as they are now\n`);
  assert.deepEqual(await statesOf(bench), ['applied', 'pending']);
});

test('a half-run DOWN can be told to be done or undone as well', async (t) => {
  for (const [as, left] of [
    ['applied', ['applied']],
    ['pending', ['pending']],
  ] as const) {
    const bench = await migrationBench(t);
    await bench.pair(A, 'create table a ();', '-- heddle:no-transaction\ndrop table a;\nselect 1/0;');
    await bench.migrate('--up');
    assert.equal((await bench.migrate('--rollback')).code, 1);
    assert.equal((await bench.migrate('--repair', A, '--as', as)).code, 0);
    assert.deepEqual(await statesOf(bench), left);
  }
});

test('edited files are accepted, of all or of those that are named', async (t) => {
  const bench = await migrationBench(t);
  for (const id of [A, B, C])
    await bench.pair(id, `create table ${id.at(-1)} ();`, `drop table ${id.at(-1)};`);
  await bench.migrate('--up');
  const edit = async () => {
    await bench.file(`${A}_UP.sql`, `create table a (); -- ${Math.random()}`);
    await bench.file(`${B}_DOWN.sql`, `drop table b; -- ${Math.random()}`);
  };
  await edit();
  const all = await bench.migrate('--repair', '--accept');
  assert.deepEqual(
    [all.code, all.stdout],
    [0, `${A} is accepted as its files are now\n${B} is accepted as its files are now\n`],
  );
  await edit();
  assert.equal((await bench.migrate('--repair', '--accept', B)).code, 0);
  assert.deepEqual(await statesOf(bench), ['modified', 'applied', 'applied']);
  assert.equal((await bench.migrate('--repair', '--accept', A)).code, 0);
  assert.equal((await bench.migrate('--up')).code, 0);
  assert.match(String((await bench.values('select down_sql from ai_migrations order by seq'))[1]), /-- 0\./);
});

test('a repair of what needs none is refused and changes nothing', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, 'create table a ();', 'drop table a;');
  await bench.migrate('--up');
  await bench.pair(B, 'create table b ();', 'drop table b;');
  const before = await bench.values(EVERYTHING);
  for (const [args, message] of [
    [['20260101000000_x', '--as', 'applied'], 'there is no such migration'],
    [[A, '--as', 'pending'], 'it is applied, and there is nothing to repair'],
    [[B, '--as', 'applied'], 'it is pending, and there is nothing to repair: --up applies it'],
    [['20260101000000_x', '--accept'], 'there is no such migration'],
    [[A, '--accept'], 'its files are as they were when it was applied'],
    [[B, '--accept'], 'it is pending: there is nothing to accept'],
    [['--accept'], 'no applied migration was edited'],
  ] as const) {
    const { code, stdout, stderr } = await bench.migrate('--repair', ...args);
    assert.deepEqual([code, stdout], [2, ''], args.join(' '));
    assert.ok(stderr.endsWith(`: ${message}\n`), stderr);
  }
  assert.deepEqual(await bench.values(EVERYTHING), before);
});

test('an edited file that could not run is not accepted', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, 'create table a ();', 'drop table a;');
  await bench.migrate('--up');
  await bench.file(`${A}_UP.sql`, 'create table a ();\ncommit;');
  const { code, stderr } = await bench.migrate('--repair', '--accept');
  assert.equal(code, 3);
  assert.match(stderr, new RegExp(`^${A}_UP.sql:2: COMMIT: `));
  assert.deepEqual(await statesOf(bench), ['modified']);
});

test('a dry run of a repair says what it would record, and records nothing', async (t) => {
  const bench = await migrationBench(t);
  await halfRun(bench);
  const before = await bench.values(EVERYTHING);
  const { code, stdout } = await bench.migrate('--repair', A, '--as', 'applied', '--dry-run');
  assert.deepEqual([code, stdout], [0, `would record: ${A} counts as applied\n`]);
  assert.deepEqual(await bench.values(EVERYTHING), before);
});

test('a repair waits for the lock like everybody else', async (t) => {
  const bench = await migrationBench(t);
  await halfRun(bench);
  const holder = await bench.client();
  await holder.query(`select pg_advisory_lock(${0x4845444c}, 1)`);
  const { code } = await bench.migrate('--repair', A, '--as', 'applied', '--lock-timeout', '0.3');
  assert.equal(code, 4);
  assert.deepEqual(await statesOf(bench), ['failed', 'pending']);
});
