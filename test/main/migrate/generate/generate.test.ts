import assert from 'node:assert/strict';
import { test } from 'node:test';
import { projectBench } from '../../../support/project-bench.ts';

const THINGS = `export const things = pg.pgTable('things', {
  id: pg.integer().primaryKey(),
  name: pg.text().notNull(),
  size: pg.integer(),
}, (t) => [pg.check('size_small', sql\`\${t.size} < 1000\`), pg.index('things_by_name').on(t.name)]);`;

test('a change of the schema becomes a pair that is proved, and a second call has nothing to do', async (t) => {
  const bench = await projectBench(t);
  await bench.schema(THINGS);
  const startedAt = performance.now();
  const { code, stdout: told, stderr } = await bench.migrateAlone('--generate', 'add_things');
  assert.equal(code, 0, stderr);
  assert.ok(performance.now() - startedAt < 15_000);

  const [id = ''] = await bench.ids();
  assert.match(id, /^\d{14}_add_things$/);
  assert.deepEqual(await bench.list('migrations'), [`${id}_DOWN.sql`, `${id}_UP.sql`]);
  assert.ok((await bench.list('drizzle')).includes(id));
  const [up, down] = [
    await bench.read(`migrations/${id}_UP.sql`),
    await bench.read(`migrations/${id}_DOWN.sql`),
  ];
  assert.match(up, /CREATE TABLE "things"/);
  assert.doesNotMatch(up, /breakpoint|\r/);
  assert.match(down, /^-- LOSES DATA: the rows of things\.\n\nDROP TABLE "things";\n$/);
  assert.match(told, new RegExp(`wrote migrations/${id}_UP\\.sql\\n`));
  assert.match(
    told,
    /proved on a scratch database: UP, DOWN to the schema before, UP to the same again \(\d/,
  );
  assert.match(told, /took \d+\.\d s; next: review the files, then heddle migrate --up/);

  assert.match(
    (await bench.migrateAlone('--check')).stdout,
    /complete pairs: 1; each goes up, down and up again/,
  );
  assert.match(await bench.migrated('--generate', 'again'), /nothing to do/);
  assert.deepEqual(await bench.ids(), [id]);
  assert.deepEqual(await bench.scratches(), []);

  await bench.migrated('--up');
  await bench.migrated('--rollback');
  const { rows } = await bench.pool.query("select to_regclass('things') as things");
  assert.deepEqual(rows, [{ things: null }]);
});
