import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { eventually, type MigrationBench, migrationBench } from '../../support/migration-bench.ts';

const A = '20260101000000_a';
const TABLES = "select relname from pg_class where relkind = 'r' and relname in ('a', 'b') order by 1";

/** Sleeps only while the table `slow` is there, so that the same file is quick afterwards. */
const SLEEP = "select pg_sleep(60) where to_regclass('slow') is not null;";

/** Starts `--up` and kills it without warning while it sleeps. */
async function killInMidFile(bench: MigrationBench): Promise<void> {
  await bench.pool.query('create table slow ()');
  const child = bench.start('--up');
  const exited = once(child, 'exit');
  await eventually('the file sleeps', async () => {
    const sleeping =
      "select pid from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()";
    return (await bench.values(sleeping)).length === 1;
  });
  child.kill('SIGKILL');
  await exited;
  await bench.pool.query('drop table slow');
}

test('killed in the middle of a file, nothing of it is left, and the next run goes through at once', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, `create table a (); ${SLEEP} create table b ();`, 'drop table b; drop table a;');
  await killInMidFile(bench);
  assert.deepEqual(await bench.values(TABLES), []);
  assert.deepEqual(await bench.values('select id from ai_migrations'), []);
  const { code, stderr } = await bench.migrate('--up', '--lock-timeout', '10');
  assert.equal(code, 0, stderr);
  assert.deepEqual(await bench.values(TABLES), ['a', 'b']);
});

test('killed in the middle of a file without a transaction, the next run refuses and names the statement until it is repaired', async (t) => {
  const bench = await migrationBench(t);
  const up = `-- heddle:no-transaction\ncreate table a ();\n${SLEEP}\ncreate table b ();`;
  await bench.pair(A, up, 'drop table b; drop table a;');
  await killInMidFile(bench);
  const { items } = JSON.parse((await bench.migrate('--status', '--json')).stdout);
  assert.deepEqual(items, [{ id: A, state: 'running', applied_at: null }]);
  for (const command of ['--up', '--rollback']) {
    const { code, stderr } = await bench.migrate(command, '--lock-timeout', '10');
    assert.equal(code, 3);
    assert.match(
      stderr,
      new RegExp(
        `^${A}_UP.sql:3: .*; it did not run to its end, .*--repair ${A} --as applied or --as pending\\n$`,
        'm',
      ),
    );
  }
  assert.match((await bench.migrate('--up')).stderr, /_UP.sql:3: was last in statement 2: select pg_sleep/);
  assert.deepEqual(await bench.values(TABLES), ['a']);

  await bench.pool.query('drop table a');
  assert.equal((await bench.migrate('--repair', A, '--as', 'pending')).code, 0);
  assert.equal((await bench.migrate('--up')).code, 0);
  assert.deepEqual(await bench.values(TABLES), ['a', 'b']);
});
