import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { version } from '../../../src/main/package-root.ts';
import { migrationBench } from '../../support/migration-bench.ts';
import { schemaOf } from '../../support/schema-of.ts';

const [A, B, C, D, E] = ['a', 'b', 'c', 'd', 'e'].map((name, day) => `2026010${day + 1}000000_${name}`);

const TIME = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/;
const TOOK = /\d+ ms/;

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
  const lines = stdout.split('\n').map((line) => line.replace(TIME, 'TIME').replace(TOOK, 'TOOK'));
  const by = `${new URL(bench.url).username} on ${hostname()} with heddle ${version}`;
  assert.match(lines[0] ?? '', /^STATE {5}ID {2,}APPLIED AT \(UTC\) {2,}TOOK {2,}BY$/);
  assert.deepEqual(
    lines.slice(1).map((line) => line.replace(/ {2,}/g, '  ')),
    [
      `applied  ${A}  TIME  TOOK  ${by}`,
      `modified  ${B}  TIME  TOOK  ${by}`,
      '  - the UP file was edited after it was applied',
      `missing  ${D}  TIME  TOOK  ${by}`,
      '  - applied, but its files are gone',
      `pending  ${E}`,
      '',
      '1 modified, 1 missing, 1 pending, 1 applied',
      '',
    ],
  );
});

test('a file that failed or still runs is told with the place it has come to', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(`${A}`, '-- heddle:no-transaction\ncreate table a ();\nselect 1/0;', 'drop table a;');
  await bench.migrate('--up');
  const failed = await bench.migrate('--status');
  assert.match(failed.stdout, new RegExp(`^failed +${A} .*\n +- ${A}_UP.sql:3: division by zero`, 'm'));
  assert.match(failed.stdout, /^1 failed$/m);
  await bench.pool.query("update ai_migrations set status = 'running', error = null");
  assert.match((await bench.migrate('--status')).stdout, new RegExp(`^running +${A}`, 'm'));
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

test('a pending one that is older than an applied one is told with what to do about it', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(`${B}`, 'create table b ();', 'drop table b;');
  await bench.migrate('--up');
  await bench.pair(`${A}`, 'create table a ();', 'drop table a;');
  await bench.pair(`${C}`, 'create table c ();', 'drop table c;');
  const { stdout } = await bench.migrate('--status');
  assert.match(
    stdout,
    new RegExp(`^pending +${A}\n +- it is older than ${B}, which is applied: .*--allow-out-of-order\n`, 'm'),
  );
  assert.match(stdout, new RegExp(`^pending +${C}\n\n`, 'm'));
});

test('a dry run prints the SQL in order and changes nothing, forwards and back', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(`${A}`, 'create table a ();', 'drop table a;');
  await bench.pair(`${B}`, 'create table b ();', 'drop table b;');
  const empty = await schemaOf(bench.pool);
  const up = await bench.migrate('--up', '--dry-run');
  assert.equal(up.stdout, `-- ${A}_UP.sql\ncreate table a ();\n\n-- ${B}_UP.sql\ncreate table b ();\n\n`);
  assert.deepEqual(await schemaOf(bench.pool), empty);
  assert.deepEqual(await bench.values("select to_regclass('ai_migrations')"), [null]);

  await bench.migrate('--up', '--to', `${A}`);
  const ledger = 'select row_to_json(m)::text from ai_migrations m';
  const before = [await bench.values(ledger), await schemaOf(bench.pool)];
  const down = await bench.migrate('--rollback', '-n', '2', '--dry-run');
  assert.equal(down.stdout, `-- ${A}_DOWN.sql\ndrop table a;\n\n`);
  assert.match((await bench.migrate('--up', '--dry-run')).stdout, new RegExp(`^-- ${B}_UP.sql\n`));
  assert.deepEqual([await bench.values(ledger), await schemaOf(bench.pool)], before);
});
