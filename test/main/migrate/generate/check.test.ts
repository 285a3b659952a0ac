import assert from 'node:assert/strict';
import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ProjectBench, projectBench } from '../../../support/project-bench.ts';
import { waitFor } from '../../../support/wait-for.ts';

const things = (limit = 1000, more = '') => `export const things = pg.pgTable('things', {
  id: pg.integer().primaryKey(), name: pg.text(), size: pg.integer(), ${more}
}, (t) => [pg.check('size_small', sql\`\${t.size} < ${limit}\`), pg.index('by_name').on(t.name)]);`;

test('an edited UP that makes another schema than the schema files is red, and the object is named', async (t) => {
  const bench = await projectBench(t);
  await bench.schema(things());
  await bench.migrated('--generate', 'things');
  const [id] = await bench.ids();
  const up = await bench.read(`migrations/${id}_UP.sql`);
  await bench.write(`migrations/${id}_UP.sql`, up.replace('< 1000', '< 999'));
  const { code, stderr } = await bench.migrate('--check');
  assert.equal(code, 3);
  assert.match(stderr, /^the migrations do not make what the schema files say:\n/);
  assert.match(stderr, / {2}constraint things\.size_small: .*\b1000\b.*\b999\b/);
  assert.equal(stderr.trimEnd().split('\n').length, 2);
});

test('a change of the schema that no pair was made of is red', async (t) => {
  const bench = await projectBench(t);
  await bench.schema(things());
  await bench.migrated('--generate', 'things');
  await bench.schema(things(1000, 'colour: pg.text(),'));
  const { code, stderr } = await bench.migrate('--check');
  assert.equal(code, 3);
  assert.match(stderr, /a change that no pair was made of; .*\n {2}add column things\.colour\n/);
});

test('a DOWN that forgets an index is red, with the index', async (t) => {
  const bench = await projectBench(t);
  await bench.schema('');
  await bench.write('migrations/20260101000000_a_UP.sql', 'create table a (id int);');
  await bench.write('migrations/20260101000000_a_DOWN.sql', 'drop table a;');
  await bench.write('migrations/20260102000000_b_UP.sql', 'alter table a add b int; create index on a (id);');
  await bench.write('migrations/20260102000000_b_DOWN.sql', 'alter table a drop b;');
  const { code, stderr } = await bench.migrate('--check');
  assert.equal(code, 3);
  assert.match(stderr, /^20260102000000_b: the DOWN does not lead back to the schema from before the UP:\n/);
  assert.match(stderr, / {2}index a_id_idx: is there after the DOWN, and not before the UP: CREATE INDEX/);
});

test('what only hand-written SQL can make is fine, and is gone after its DOWN', async (t) => {
  const bench = await projectBench(t);
  await bench.schema(things());
  await bench.migrated('--generate', 'things');
  const told = await bench.migrated('--generate', 'guard', '--empty');
  const [, id = ''] = await bench.ids();
  assert.match(
    told,
    new RegExp(`^wrote migrations/${id}_UP\\.sql\n.*_DOWN\\.sql\nnext: write the SQL of both`),
  );
  assert.equal((await bench.migrate('--up')).code, 3);

  await bench.write(`migrations/${id}_UP.sql`, HAND_WRITTEN);
  await bench.write(`migrations/${id}_DOWN.sql`, HAND_UNDONE);
  assert.match(await bench.migrated('--check'), /complete pairs: 2/);
  await bench.migrated('--up');
  await bench.migrated('--rollback');
  const { rows } = await bench.pool.query(
    "select to_regproc('guard') as guard, to_regclass('small') as small",
  );
  assert.deepEqual(rows, [{ guard: null, small: null }]);
  assert.match(await bench.migrated('--generate', 'nothing'), /nothing to do/);
});

const HAND_WRITTEN = `
create function guard() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger guard before update on things for each row execute function guard();
create view small as select * from things where size < 10;
comment on table things is 'of all kinds';
alter table things set (fillfactor = 90);`;

const HAND_UNDONE = `
alter table things reset (fillfactor);
comment on table things is null;
drop view small;
drop trigger guard on things;
drop function guard();`;

test('a default that needs a hand-written function, and a table that was renamed, are the schema all the same', async (t) => {
  const bench = await projectBench(t);
  await bench.write(
    'migrations/20200101000000_f_UP.sql',
    'create function f() returns int language sql return 1;',
  );
  await bench.write('migrations/20200101000000_f_DOWN.sql', 'drop function f();');
  const table = (name: string) => `
export const a = pg.pgTable('${name}', { id: pg.serial().primaryKey(), n: pg.integer().default(sql\`f()\`).unique() });
export const b = pg.pgTable('b', { a: pg.integer().references(() => a.id) });`;
  await bench.schema(table('old'));
  await bench.migrated('--generate', 'make');
  await bench.schema(table('new'));
  await bench.write(
    'hints.json',
    '[{"type":"rename","kind":"table","from":["public","old"],"to":["public","new"]}]',
  );
  await bench.migrated('--generate', 'rename', '--hints', 'hints.json');
  assert.match(await bench.migrated('--check'), /complete pairs: 3/);
});

/** Makes a pair on a branch, and takes it away again as a switch to another branch does. */
async function onBranch(bench: ProjectBench, name: string, schema: string): Promise<() => Promise<void>> {
  const away = join(bench.root, `branch-${name}`);
  await Promise.all(
    ['migrations', 'drizzle'].map((folder) => mkdir(join(away, folder), { recursive: true })),
  );
  await bench.schema(schema);
  await bench.migrated('--generate', name);
  const id = (await bench.ids()).at(-1) ?? '';
  const paths = [`migrations/${id}_UP.sql`, `migrations/${id}_DOWN.sql`, `drizzle/${id}`];
  for (const path of paths) await rename(join(bench.root, path), join(away, path));
  // Nobody knows here of the id any more, and people are not so quick.
  await waitFor('a later second than that of the id', () => secondNow() > id.slice(0, 14));
  return async () => {
    for (const path of paths) await cp(join(away, path), join(bench.root, path), { recursive: true });
    await rm(away, { recursive: true });
  };
}

function secondNow(): string {
  return new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14);
}

const base = (a = '', b = '', limit = 9) => `
export const a = pg.pgTable('a', { id: pg.integer(), ${a} }, (t) => [pg.check('low', sql\`\${t.id} < ${limit}\`)]);
export const b = pg.pgTable('b', { id: pg.integer(), ${b} });`;

test('two branches that change different columns go together, also under a newer id, and the next pair is of both', async (t) => {
  const bench = await projectBench(t);
  await bench.schema(base());
  await bench.migrated('--generate', 'base');
  const [x, y] = ['x: pg.text()', 'y: pg.text()'];
  const mergeOne = await onBranch(bench, 'one', base(x));
  const mergeOther = await onBranch(bench, 'other', base(y, y));
  await mergeOne();
  await mergeOther();
  await bench.schema(base(`${x}, ${y}`, y));
  assert.match(await bench.migrated('--check'), /complete pairs: 3/);

  // As for a pair that is older than what is applied elsewhere: its files and its folder are renamed, and that is all.
  const late = (await bench.ids()).find((id) => id.endsWith('_one')) ?? '';
  for (const path of [`migrations/${late}_UP.sql`, `migrations/${late}_DOWN.sql`, `drizzle/${late}`])
    await rename(join(bench.root, path), join(bench.root, path.replace(late, '20991231000000_one')));

  await bench.schema(base(`${x}, ${y}`, `${y}, z: pg.text()`));
  await bench.migrated('--generate', 'merged');
  const id = (await bench.ids()).at(-1) ?? '';
  const { prevIds } = JSON.parse(await bench.read(`drizzle/${id}/snapshot.json`)) as { prevIds: string[] };
  assert.equal(prevIds.length, 2);
  assert.match(
    await bench.read(`migrations/${id}_DOWN.sql`),
    /^-- LOSES DATA: the values of b\.z\.\n\nALTER TABLE "b" DROP COLUMN "z";\n$/,
  );
  assert.match(await bench.migrated('--check'), /complete pairs: 4/);
});

test('two branches that change the same thing are red, and both are named', async (t) => {
  const bench = await projectBench(t);
  await bench.schema(base());
  await bench.migrated('--generate', 'base');
  const mergeOne = await onBranch(bench, 'one', base('', '', 8));
  const mergeOther = await onBranch(bench, 'other', base('', '', 7));
  await mergeOne();
  await mergeOther();
  for (const args of [['--check'], ['--generate', 'next']]) {
    const { code, stderr } = await bench.migrate(...args);
    assert.equal(code, 3);
    assert.match(
      stderr,
      /^two branches change the same thing: .*_one\) and .*_other\); take one of them away/m,
    );
  }
});
