import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrationBench } from '../../support/migration-bench.ts';

const A = '20260101000000_a';
const B = '20260102000000_b';

/** More than is parsed, in lines of their own behind the first one. */
const FILLER = `\nselect '${'ü'.repeat(600_000)}';\nselect '${'x'.repeat(600_000)}';\n`;

test('a file too large to be parsed is sent whole, with a notice, and goes up and down', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, `create table a ();${FILLER}`, `${FILLER}drop table a;`);
  const up = await bench.migrate('--up');
  assert.deepEqual([up.code, up.stderr], [0, `${A}_UP.sql is too large to be parsed: it is sent whole\n`]);
  assert.equal((await bench.migrate('--rollback')).code, 0);
  assert.deepEqual(await bench.values("select to_regclass('a')"), [null]);
});

test('its error names the line or the statement, and nothing of it is left', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, `create table a ();${FILLER}select missing;`, 'drop table a;');
  const placed = await bench.migrate('--up');
  assert.equal(placed.code, 1);
  assert.match(placed.stderr, new RegExp(`\n${A}_UP.sql:4: column "missing" does not exist \\(42703\\)`));
  await bench.pair(A, `create table a ();${FILLER}select 1/0;`, 'drop table a;');
  const counted = await bench.migrate('--up');
  assert.match(
    counted.stderr,
    new RegExp(`\n${A}_UP.sql: division by zero \\(22012\\) in its statement 4\n$`),
  );
  assert.deepEqual(await bench.values("select to_regclass('a')"), [null]);
  assert.deepEqual(await bench.values('select id from ai_migrations'), []);
});

test('one that ends its own transaction is told as half-run, and stops everything until it is repaired', async (t) => {
  const bench = await migrationBench(t);
  const endings = [
    'commit;',
    'rollback;',
    'commit; select 1/0;',
    'commit; begin; select 1/0;',
    'rollback; create table a (); commit; select 1/0;',
    'commit; begin;',
  ];
  await bench.pair(B, 'create table b ();', 'drop table b;');
  for (const ending of endings) {
    await bench.pair(A, `create table a ();${FILLER}${ending}`, 'drop table a;');
    const { code, stderr } = await bench.migrate('--up');
    assert.equal(code, 1, ending);
    assert.match(stderr, /\n2\S+_UP\.sql: it ended its transaction itself/, ending);
    const again = await bench.migrate('--up');
    assert.equal(again.code, 3, ending);
    assert.match(again.stderr, /it did not run to its end/);
    await bench.pool.query('drop table if exists a');
    assert.equal((await bench.migrate('--repair', A, '--as', 'pending')).code, 0, ending);
  }
  assert.deepEqual(await bench.values("select to_regclass('b')"), [null]);
});
