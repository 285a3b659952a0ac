import assert from 'node:assert/strict';
import { test } from 'node:test';
import { projectBench } from '../../../support/project-bench.ts';

const BEFORE = `
export const status = pg.pgEnum('task_status', ['open', 'done']);
export const tasks = pg.pgTable('tasks', {
  id: pg.integer().primaryKey().generatedAlwaysAsIdentity(),
  title: pg.text().notNull(),
  status: status().notNull().default('open'),
  parent: pg.integer().references(() => tasks.id),
}, (t) => [pg.index('by_title').on(t.title), pg.check('title_there', sql\`\${t.title} <> ''\`)]);`;
const AFTER = BEFORE.replace("'task_status'", "'job_status'")
  .replace("('tasks'", "('jobs'")
  .replace('  title:', '  subject:')
  .replaceAll('t.title', 't.subject');

const HINTS = [
  { type: 'rename', kind: 'enum', from: ['public', 'task_status'], to: ['public', 'job_status'] },
  { type: 'rename', kind: 'table', from: ['public', 'tasks'], to: ['public', 'jobs'] },
  { type: 'rename', kind: 'column', from: ['public', 'jobs', 'title'], to: ['public', 'jobs', 'subject'] },
];

test('a table, a column in it and an enum are renamed at once, both ways, and every row stays', async (t) => {
  const bench = await projectBench(t);
  await bench.schema(BEFORE);
  await bench.migrated('--generate', 'before');
  await bench.migrated('--up');
  await bench.pool.query("insert into tasks (title, status) values ('one', 'done')");

  await bench.schema(AFTER);
  const asked = await bench.migrate('--generate', 'renames');
  assert.equal(asked.code, 2);
  const { status, unresolved } = JSON.parse(asked.stdout) as {
    status: string;
    unresolved: { kind: string }[];
  };
  assert.equal(status, 'missing_hints');
  assert.deepEqual(
    unresolved.slice(0, 2).map(({ kind }) => kind),
    ['enum', 'table'],
  );
  assert.match(asked.stderr, /^drizzle-kit cannot tell what is renamed .* --hints FILE\n$/);
  assert.equal((await bench.ids()).length, 1);
  assert.equal((await bench.list('drizzle')).length, 2);

  await bench.write('hints.json', JSON.stringify(HINTS));
  await bench.migrated('--generate', 'renames', '--hints', 'hints.json');
  const [, id = ''] = await bench.ids();
  const up = await bench.read(`migrations/${id}_UP.sql`);
  const down = await bench.read(`migrations/${id}_DOWN.sql`);
  assert.equal(up.match(/RENAME/g)?.length, 3);
  assert.equal(down.match(/RENAME/g)?.length, 3);
  assert.doesNotMatch(up + down, /LOSES DATA|DROP (TABLE|COLUMN|TYPE)|CREATE/);

  await bench.migrated('--up');
  const jobs = await bench.pool.query('select id, subject, status::text from jobs');
  assert.deepEqual(jobs.rows, [{ id: 1, subject: 'one', status: 'done' }]);
  await bench.migrated('--rollback');
  const tasks = await bench.pool.query('select id, title, status::text from tasks');
  assert.deepEqual(tasks.rows, [{ id: 1, title: 'one', status: 'done' }]);
  assert.match(await bench.migrated('--check'), /complete pairs: 2/);
});

test('hints that cannot be read or do not fit are exit code 2, and nothing is written', async (t) => {
  const bench = await projectBench(t);
  await bench.schema(BEFORE);
  await bench.write('not-json', '{');
  await bench.write('not-array', '{}');
  await bench.write('not-hints', '[{"type": "guess"}]');
  for (const file of ['nowhere', 'not-json', 'not-array', 'not-hints']) {
    const { code, stderr } = await bench.migrate('--generate', 'x', '--hints', file);
    assert.equal(code, 2, `${file}: ${stderr}`);
  }
  assert.deepEqual(await bench.ids(), []);
  assert.deepEqual(await bench.list('drizzle'), ['schema']);
});
