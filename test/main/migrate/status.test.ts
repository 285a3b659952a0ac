import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrationBench } from '../../support/migration-bench.ts';

const [A, B, C, D, E] = ['a', 'b', 'c', 'd', 'e'].map((name, day) => `2026010${day + 1}000000_${name}`);

test('every state is told, to a person and as JSON, and nothing is changed by asking', async (t) => {
  const bench = await migrationBench(t);
  for (const id of [A, B, C])
    await bench.pair(`${id}`, `create table ${id?.at(-1)} ();`, `drop table ${id?.at(-1)};`);
  await bench.migrate('--up');
  await bench.file(`${B}_UP.sql`, 'create table b (edited int);');
  await bench.remove(`${C}_UP.sql`);
  await bench.remove(`${C}_DOWN.sql`);
  await bench.pool.query(`update ai_migrations set id = '${D}' where id = '${C}'`);
  await bench.pair(`${E}`, '-- heddle:no-transaction\nselect 1/0;', 'select 1;');

  const json = await bench.migrate('--status', '--json');
  assert.equal(json.stderr, '');
  const { items } = JSON.parse(json.stdout);
  assert.deepEqual(
    items.map(({ id, state }: { id: string; state: string }) => [id, state]),
    [
      [A, 'applied'],
      [B, 'modified'],
      [D, 'missing'],
      [E, 'pending'],
    ],
  );
  assert.deepEqual(Object.keys(items[0]), ['id', 'state', 'applied_at']);
  assert.match(items[0].applied_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal(items[3].applied_at, null);

  const { code, stdout } = await bench.migrate('--status');
  assert.equal(code, 0);
  assert.match(stdout, new RegExp(`^applied +${A} +\\S+ \\S+$`, 'm'));
  assert.match(stdout, new RegExp(`^modified +${B} .*the UP file was edited after it was applied$`, 'm'));
  assert.match(stdout, new RegExp(`^missing +${D} .*applied, but its files are gone$`, 'm'));
  assert.match(stdout, new RegExp(`^pending +${E}$`, 'm'));
  assert.match(stdout, /^1 applied, 1 modified, 1 missing, 1 pending$/m);
});

test('--exit-code is 10 while anything is pending, and asking makes no table', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(`${A}`, 'create table a ();', 'drop table a;');
  assert.equal((await bench.migrate('--status', '--exit-code')).code, 10);
  assert.equal((await bench.migrate('--status')).code, 0);
  assert.deepEqual(await bench.values("select to_regclass('ai_migrations')"), [null]);
  await bench.migrate('--up');
  assert.equal((await bench.migrate('--status', '--exit-code', '--json')).code, 0);
});

test('a dry run prints the SQL in order and changes nothing, forwards and back', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(`${A}`, 'create table a ();', 'drop table a;');
  await bench.pair(`${B}`, 'create table b ();', 'drop table b;');
  const up = await bench.migrate('--up', '--dry-run');
  assert.equal(up.stdout, `-- ${A}_UP.sql\ncreate table a ();\n\n-- ${B}_UP.sql\ncreate table b ();\n\n`);
  const made = "select relname from pg_class where relnamespace = 'public'::regnamespace";
  assert.deepEqual(await bench.values(made), []);

  await bench.migrate('--up', '--to', `${A}`);
  const ledger = 'select row_to_json(m)::text from ai_migrations m';
  const before = [await bench.values(ledger), await bench.values(made)];
  const down = await bench.migrate('--rollback', '-n', '2', '--dry-run');
  assert.equal(down.stdout, `-- ${A}_DOWN.sql\ndrop table a;\n\n`);
  assert.match((await bench.migrate('--up', '--dry-run')).stdout, new RegExp(`^-- ${B}_UP.sql\n`));
  assert.deepEqual([await bench.values(ledger), await bench.values(made)], before);
});
