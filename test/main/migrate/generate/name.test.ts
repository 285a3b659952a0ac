import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readArguments } from '../../../../src/main/migrate/arguments.ts';
import { MigrationError } from '../../../../src/main/migrate/error.ts';
import { nextId } from '../../../../src/main/migrate/generate/ids.ts';
import { parseName } from '../../../../src/main/migrate/names.ts';
import { projectBench } from '../../../support/project-bench.ts';

const accepts = (name: string): boolean => {
  try {
    readArguments([`--generate=${name}`]);
    return true;
  } catch (error) {
    assert.ok(error instanceof MigrationError && error.exitCode === 2 && error.faults.length === 1);
    return false;
  }
};

test('a name is accepted exactly when files can be called by it', () => {
  const nearly = fc.stringMatching(/^[a-zA-Z0-9_./ ]{0,70}$/);
  fc.assert(
    fc.property(fc.oneof(fc.string(), nearly), (name) => {
      const isFileName = !('fault' in parseName(`20260101000000_${name}_UP.sql`));
      assert.equal(accepts(name), isFileName);
    }),
  );
  for (const bad of ['', '../x', 'a/b', 'Add', '1st', '_x', 'ünï', 'x'.repeat(64), 'x'.repeat(300), 'a b'])
    assert.equal(accepts(bad), false, bad);
  for (const good of ['a', 'add_x2', 'x'.repeat(63)]) assert.equal(accepts(good), true, good);
});

test('an id is behind all others and shares its time with none, whatever the clock says', () => {
  const when = fc.date({ min: new Date(0), max: new Date('9000-01-01'), noInvalidDate: true });
  fc.assert(
    fc.property(when, fc.array(when), fc.array(fc.string()), (now, before, strangers) => {
      const taken = before.map((time) => nextId('x', time, []));
      const id = nextId('add', now, [...taken, ...strangers.filter((name) => !/^\d{14}/.test(name))]);
      assert.ok(!('fault' in parseName(`${id}_UP.sql`)), id);
      for (const other of taken)
        assert.ok(id.slice(0, 14) > other.slice(0, 14), `${id} is not behind ${other}`);
    }),
  );
  assert.equal(nextId('a', new Date('2026-05-06T07:08:09.999Z'), []), '20260506070809_a');
  assert.equal(nextId('a', new Date('2026-05-06T07:08:09Z'), ['20301231235959_b']), '20310101000000_a');
  assert.throws(() => nextId('a', new Date(), ['99991231235959_b']), MigrationError);
});

test('a bad name is exit code 2, and nothing is written', async (t) => {
  const bench = await projectBench(t);
  for (const name of ['../x', 'x'.repeat(300), 'Add']) {
    const { code, stdout, stderr } = await bench.migrate('--generate', name, '--empty');
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /NAME must be lower-case letters, digits and _/);
  }
  assert.deepEqual(await bench.list('migrations'), []);
});

test('pairs that are made in one second, by one name, and beside one of the future, increase', async (t) => {
  const bench = await projectBench(t);
  await bench.write('migrations/20991231235959_future_UP.sql', 'select 1;');
  await bench.write('migrations/20991231235959_future_DOWN.sql', 'select 1;');
  const ended = await Promise.all(
    ['same', 'same', 'other'].map((name) => bench.migrateAlone('--generate', name, '--empty')),
  );
  assert.deepEqual(
    ended.map(({ code }) => code),
    [0, 0, 0],
  );
  const ids = await bench.ids();
  assert.deepEqual(
    ids.map((id) => id.slice(0, 14)),
    ['20991231235959', '21000101000000', '21000101000001', '21000101000002'],
  );
  assert.equal(await bench.read('migrations/20991231235959_future_UP.sql'), 'select 1;');

  await bench.schema("export const a = pg.pgTable('a', { id: pg.integer() });");
  await Promise.all(
    ids
      .slice(1)
      .flatMap((id) => [
        bench.write(`migrations/${id}_UP.sql`, 'select 1;'),
        bench.write(`migrations/${id}_DOWN.sql`, 'select 1;'),
      ]),
  );
  await bench.migrated('--generate', 'of_kit');
  assert.equal((await bench.ids()).at(-1), '21000101000003_of_kit');
  assert.ok((await bench.list('drizzle')).includes('21000101000003_of_kit'));
});
