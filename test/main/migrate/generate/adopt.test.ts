import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { test } from 'node:test';
import { ended, type ProjectBench, projectBench } from '../../../support/project-bench.ts';
import { waitFor } from '../../../support/wait-for.ts';

const table = (name: string, columns = 'id: pg.integer().primaryKey()') =>
  `export const ${name} = pg.pgTable('${name}', { ${columns} });`;

const folders = async (bench: ProjectBench) =>
  (await bench.list('drizzle')).filter((name) => name !== 'schema');

test('the folder of a bare drizzle-kit generate is red until --generate gives it its pair', async (t) => {
  const bench = await projectBench(t);
  await bench.schema(table('a'));
  assert.equal((await bench.kit('generate', '--name', 'bare')).code, 0);
  const [folder = ''] = await folders(bench);

  const red = await bench.migrate('--check');
  assert.equal(red.code, 3);
  assert.match(
    red.stderr,
    new RegExp(`^drizzle/${folder}: it has no pair yet; heddle migrate --generate NAME`),
  );

  await bench.schema(`${table('a')}\n${table('b')}`);
  const told = await bench.migrated('--generate', 'add_b');
  assert.match(told, new RegExp(`^adopted drizzle/${folder}\nwrote migrations/${folder}_UP.sql`));
  const [first = '', second = ''] = await bench.ids();
  assert.equal(first, folder);
  assert.match(second, /_add_b$/);
  assert.match(await bench.migrated('--check'), /complete pairs: 2/);

  assert.match((await bench.kit('check')).stdout, /Everything's fine/);
  assert.match((await bench.kit('generate')).stdout, /No schema changes/);
  assert.deepEqual(await folders(bench), [first, second]);
});

test('a folder whose SQL was not kept gets its pair from the snapshots, renames included', async (t) => {
  const bench = await projectBench(t);
  await bench.schema(table('a', 'id: pg.integer().primaryKey(), one: pg.text()'));
  await bench.kit('generate', '--name', 'first');
  await bench.schema(table('a', 'id: pg.integer().primaryKey(), two: pg.text()'));
  const hints = '[{"type":"rename","kind":"column","from":["public","a","one"],"to":["public","a","two"]}]';
  assert.equal((await bench.kit('generate', '--name', 'second', '--hints', hints)).code, 0);
  const [first = '', second = ''] = await folders(bench);
  for (const name of [first, second]) await rm(`${bench.root}/drizzle/${name}/migration.sql`);

  await bench.migrated('--generate', 'adopt');
  assert.deepEqual(await bench.ids(), [first, second]);
  assert.equal(
    await bench.read(`migrations/${second}_UP.sql`),
    'ALTER TABLE "a" RENAME COLUMN "one" TO "two";\n',
  );
});

test('a folder that is older than a pair is given a newer name, so that databases apply it in order', async (t) => {
  const bench = await projectBench(t);
  await bench.schema(table('a'));
  await bench.kit('generate', '--name', 'bare');
  await bench.write('migrations/20991231000000_hand_UP.sql', 'create table hand ();');
  await bench.write('migrations/20991231000000_hand_DOWN.sql', 'drop table hand;');
  await bench.migrated('--generate', 'adopt');
  assert.deepEqual(await bench.ids(), ['20991231000000_hand', '20991231000001_bare']);
  assert.deepEqual(await folders(bench), ['20991231000001_bare']);
  assert.match(await bench.migrated('--check'), /complete pairs: 2/);
});

test('a folder of hand-written SQL is kept until both of its files are written', async (t) => {
  const bench = await projectBench(t);
  await bench.schema(table('a'));
  await bench.migrated('--generate', 'a');
  await bench.kit('generate', '--custom', '--name', 'by_hand');
  const [, folder = ''] = await folders(bench);
  const refused = await bench.migrate('--generate', 'adopt');
  assert.equal(refused.code, 3);
  assert.match(refused.stderr, /_UP\.sql:1: there is no statement in it: write one;/);
  assert.match(refused.stderr, new RegExp(`correct UP\\.sql and DOWN\\.sql in drizzle/${folder} and run`));

  await bench.write(`drizzle/${folder}/UP.sql`, 'create view seen as select id from a;');
  await bench.write(`drizzle/${folder}/DOWN.sql`, 'drop view seen;');
  await bench.migrated('--generate', 'adopt');
  assert.deepEqual((await bench.ids()).length, 2);
  assert.deepEqual((await bench.list(`drizzle/${folder}`)).includes('UP.sql'), false);
});

test('a folder that no pair can be called by is named, with what to do', async (t) => {
  const bench = await projectBench(t);
  await bench.schema(table('a'));
  await bench.kit('generate', '--name', 'Add A');
  const { code, stderr } = await bench.migrate('--generate', 'adopt');
  assert.equal(code, 3);
  assert.match(
    stderr,
    /^drizzle\/\d+_Add A: the name is not YYYYMMDDHHMMSS_name in lower case; rename the folder/,
  );
});

test('after a kill in the middle nothing half-made is among the migrations, and the next call completes it', async (t) => {
  const bench = await projectBench(t);
  await bench.schema(table('a'));
  const child = bench.start('--generate', 'killed');
  await waitFor('the scratch database', async () => (await bench.scratches())[0], 15_000);
  child.kill('SIGKILL');
  await ended(child);
  assert.deepEqual(await bench.ids(), []);
  assert.equal((await bench.migrate('--check')).code, 3);

  await bench.migrated('--generate', 'next');
  const [id = ''] = await bench.ids();
  assert.match(id, /_killed$/);
  assert.match(await bench.migrated('--check'), /complete pairs: 1/);
});

test('what a killed drizzle-kit has only begun to write is no snapshot, and is taken away', async (t) => {
  const bench = await projectBench(t);
  await bench.schema(table('a'));
  await mkdir(`${bench.root}/drizzle/20260101000000_empty`);
  await mkdir(`${bench.root}/drizzle/20260102000000_begun`);
  await bench.write('drizzle/20260102000000_begun/snapshot.json', '');
  await bench.migrated('--generate', 'whole');
  assert.deepEqual(await folders(bench), await bench.ids());
  assert.equal((await bench.ids()).length, 1);
});

test('told to stop in the middle, it takes away everything that it made', async (t) => {
  const bench = await projectBench(t);
  await bench.schema(table('a'));
  // The proof waits for ever, so that there is a middle.
  await bench.write('migrations/20200101000000_slow_UP.sql', 'select pg_sleep(600);');
  await bench.write('migrations/20200101000000_slow_DOWN.sql', 'select 1;');
  const child = bench.start('--generate', 'stopped');
  await waitFor('the scratch database', async () => (await bench.scratches())[0], 15_000);
  child.kill('SIGTERM');
  const { code, stderr } = await ended(child);
  assert.equal(code, 143, stderr);
  assert.match(stderr, /^stopped by SIGTERM, and nothing of it is left\n$/);
  assert.deepEqual(await bench.scratches(), []);
  assert.deepEqual(await folders(bench), []);
  assert.deepEqual(await bench.ids(), ['20200101000000_slow']);
  assert.ok(!existsSync(`${bench.root}/migrations/.generate.pid`));
});

test('a pair that is gone while newer ones build on it has to be restored, and is not made anew', async (t) => {
  const bench = await projectBench(t);
  await bench.schema(table('a'));
  await bench.migrated('--generate', 'add_a');
  await bench.schema(`${table('a')}\n${table('b')}`);
  await bench.migrated('--generate', 'add_b');
  const [first = '', second = ''] = await bench.ids();
  for (const end of ['UP', 'DOWN']) await rm(`${bench.root}/migrations/${first}_${end}.sql`);
  for (const command of [['--check'], ['--generate', 'again']]) {
    const { code, stderr } = await bench.migrate(...command);
    assert.equal(code, 3);
    assert.match(
      stderr,
      new RegExp(`^drizzle/${first}: its pair is gone, .*; restore migrations/${first}_UP\\.sql`),
    );
  }
  assert.deepEqual(await bench.ids(), [second]);
});
