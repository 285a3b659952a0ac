import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrateUp } from '../../../src/main/migrate/apply.ts';
import { migrationsDirectory, readMigrations } from '../../../src/main/migrate/files.ts';
import { migrateDown } from '../../../src/main/migrate/rollback.ts';
import { migrationBench } from '../../support/migration-bench.ts';
import { schemaOf } from '../../support/schema-of.ts';

test("every pair of Heddle's own migrations goes up, down to what was before, and up to the same again", async (t) => {
  const { url, pool } = await migrationBench(t);
  const options = { url, observe: () => {} };
  for (const { id } of await readMigrations(migrationsDirectory)) {
    const before = await schemaOf(pool);
    await migrateUp({ ...options, to: id });
    const after = await schemaOf(pool);
    assert.notDeepEqual(after, before, `${id} does nothing`);
    await migrateDown({ ...options, count: 1 });
    assert.deepEqual(await schemaOf(pool), before, `the DOWN of ${id} does not undo it`);
    await migrateUp({ ...options, to: id });
    assert.deepEqual(await schemaOf(pool), after, `${id} does not come to the same a second time`);
  }
});

test('ids of one server are version 7 and sort by time, also within a millisecond', async (t) => {
  const { url, pool, values } = await migrationBench(t);
  await migrateUp({ url, observe: () => {} });
  const ids = (await values('select heddle_uuid_v7()::text from generate_series(1, 20000)')) as string[];
  const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  assert.deepEqual(
    ids.filter((id) => !pattern.test(id)),
    [],
  );
  assert.equal(new Set(ids).size, ids.length);
  const descents = ids.filter((id, place) => place > 0 && id < (ids[place - 1] ?? ''));
  assert.ok(descents.length < ids.length / 10, `${descents.length} of ${ids.length} are out of order`);

  const { rows } = await pool.query<{ id: string; ms: number }>(
    'select heddle_uuid_v7()::text as id, extract(epoch from clock_timestamp())::float8 * 1000 as ms',
  );
  const [row] = rows;
  const made = Number.parseInt((row?.id ?? '').replaceAll('-', '').slice(0, 12), 16);
  assert.ok(Math.abs(made - (row?.ms ?? 0)) < 1000, `${made} is not the time of ${row?.ms}`);
});
