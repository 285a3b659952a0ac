import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectBench } from '../../../support/project-bench.ts';

const users = (columns: string) =>
  `export const users = pg.pgTable('users', { id: pg.integer().primaryKey(), ${columns} });`;

test('a pair that fails on rows is refused with SQLSTATE, kept, corrected and taken', async (t) => {
  const bench = await projectBench(t);
  await bench.schema(users(''));
  await bench.migrated('--generate', 'users');
  const [first = ''] = await bench.ids();
  await mkdir(join(bench.root, 'drizzle/rows'));
  await bench.write(`drizzle/rows/${first}.sql`, 'insert into users (id) values (1);');

  await bench.schema(users('email: pg.text().notNull()'));
  const refused = await bench.migrate('--generate', 'email');
  assert.equal(refused.code, 3);
  assert.match(
    refused.stderr,
    /^\d+_email_UP\.sql:1: column "email" .* contains null values \(23502\) in: ALTER TABLE/,
  );
  const folder = (await bench.list('drizzle')).find((name) => name.endsWith('_email')) ?? '';
  assert.match(
    refused.stderr,
    new RegExp(`nothing of it was written .* correct UP\\.sql and DOWN\\.sql in drizzle/${folder} `),
  );
  assert.deepEqual(await bench.ids(), [first]);
  const red = await bench.migrate('--check');
  assert.equal(red.code, 3);
  assert.match(red.stderr, new RegExp(`^drizzle/${folder}: its pair was refused; correct UP\\.sql`));

  const up = `alter table users add email text;
update users set email = '';
alter table users alter email set not null;
`;
  await bench.write(`drizzle/${folder}/UP.sql`, up);
  assert.match(await bench.migrated('--generate', 'email'), /^adopted .*_email\n/);
  assert.equal(await bench.read(`migrations/${folder}_UP.sql`), up);
  assert.match(await bench.migrated('--check'), /complete pairs: 2/);
});

test('a value of an enum that rows have cannot be taken away: its DOWN is refused, until it is irreversible', async (t) => {
  const bench = await projectBench(t);
  const state = (...labels: string[]) =>
    `export const state = pg.pgEnum('state', [${labels.map((label) => `'${label}'`).join(', ')}]);
    ${users('state: state()')}`;
  await bench.schema(state('a'));
  await bench.migrated('--generate', 'state');
  await bench.schema(state('a', 'b'));
  await bench.migrated('--generate', 'more');
  const id = (await bench.ids()).at(-1) ?? '';
  const down = await bench.read(`migrations/${id}_DOWN.sql`);
  assert.match(down, /^-- LOSES DATA: the value 'b' of state, which no row may have then\.\n/);

  await mkdir(join(bench.root, 'drizzle/rows'));
  await bench.write(`drizzle/rows/${id}.sql`, "insert into users values (1, 'b');");
  const red = await bench.migrate('--check');
  assert.equal(red.code, 3);
  assert.match(
    red.stderr,
    new RegExp(`^${id}_DOWN\\.sql:\\d+: invalid input value for enum state: "b" \\(22P02\\)`),
  );
  await bench.write(`migrations/${id}_DOWN.sql`, '-- heddle:irreversible rows may have b');
  assert.match(await bench.migrated('--check'), /\(1 of them only up: irreversible\)/);
});

test('a DOWN that drizzle-kit cannot make right is found before it is needed, and refused', async (t) => {
  const bench = await projectBench(t);
  const jobs = (...labels: string[]) => `
export const state = pg.pgEnum('state', ${JSON.stringify(labels)});
export const jobs = pg.pgTable('jobs', { state: state() },
  (t) => [pg.index('open_jobs').on(t.state).where(sql\`state = 'open'\`)]);`;
  await bench.schema(jobs('open'));
  await bench.migrated('--generate', 'jobs');
  await bench.schema(jobs('open', 'done'));
  const { code, stderr } = await bench.migrate('--generate', 'done');
  assert.equal(code, 3);
  assert.match(
    stderr,
    /^\d+_done_DOWN\.sql:3: operator does not exist: text = state \(42883\) in: ALTER TABLE/,
  );
  assert.equal((await bench.ids()).length, 1);

  const folder = (await bench.list('drizzle')).find((name) => name.endsWith('_done')) ?? '';
  const withoutIndex = `drop index open_jobs;
alter table jobs alter state type text; drop type state; create type state as enum ('open');
alter table jobs alter state type state using state::state;`;
  await bench.write(`drizzle/${folder}/DOWN.sql`, withoutIndex);
  const forgotten = await bench.migrate('--generate', 'done');
  assert.equal(forgotten.code, 3);
  assert.match(
    forgotten.stderr,
    /_done: the DOWN does not lead back to .*:\n {2}index open_jobs: is not there after the DOWN; before the UP: CREATE INDEX/,
  );
  await bench.write(
    `drizzle/${folder}/DOWN.sql`,
    `${withoutIndex} create index open_jobs on jobs (state) where state = 'open';`,
  );
  await bench.migrated('--generate', 'done');
  assert.deepEqual((await bench.ids()).at(-1), folder);
});

test('a type that rows do not fit into is refused with SQLSTATE', async (t) => {
  const bench = await projectBench(t);
  await bench.schema(users('size: pg.numeric({ precision: 6 })'));
  await bench.migrated('--generate', 'six');
  const [first = ''] = await bench.ids();
  await mkdir(join(bench.root, 'drizzle/rows'));
  await bench.write(`drizzle/rows/${first}.sql`, 'insert into users values (1, 100000);');
  await bench.schema(users('size: pg.numeric({ precision: 3 })'));
  const { code, stderr } = await bench.migrate('--generate', 'three');
  assert.equal(code, 3);
  assert.match(stderr, /^\d+_three_UP\.sql:\d+: numeric field overflow \(22003\) in: ALTER TABLE/);
  assert.deepEqual(await bench.ids(), [first]);
});

test('an UP that drops or narrows says what it loses, and the linter says what is dangerous', async (t) => {
  const bench = await projectBench(t);
  await bench.schema(users('name: pg.varchar({ length: 20 }), old: pg.text(), n: pg.integer()'));
  await bench.migrated('--generate', 'wide');
  await bench.schema(users('name: pg.varchar({ length: 10 }), n: pg.bigint({ mode: "number" })'));
  const { code, stdout, stderr } = await bench.migrate('--generate', 'narrow');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^wrote /);
  const id = (await bench.ids()).at(-1) ?? '';
  assert.match(
    await bench.read(`migrations/${id}_UP.sql`),
    /^-- LOSES DATA: the values of users\.old, the values of users\.name that varchar\(10\) cannot hold\.\n/,
  );
  assert.match(
    await bench.read(`migrations/${id}_DOWN.sql`),
    /^-- LOSES DATA: the values of users\.n that integer cannot hold\.\n/,
  );
  assert.match(stderr, /^warning: \d+_narrow_UP\.sql:3: .*DROP|ban-drop-column/m);
  assert.match(stderr, /^warning: .*Release code that does without it first\. \(ban-drop-column\)$/m);
  assert.doesNotMatch(stderr, /require-lock-timeout|prefer-/);
});

test('a role that may not make databases is told so, and nothing is written', async (t) => {
  const bench = await projectBench(t);
  await bench.schema(users(''));
  const role = `poor_${process.pid}`;
  await bench.pool.query(`create role ${role} login password 'secret-word'`);
  const url = new URL(bench.url);
  url.username = role;
  url.password = 'secret-word';
  const { code, stderr } = await bench.migrateAt(url.href, '--generate', 'x');
  assert.equal(code, 1);
  assert.match(
    stderr,
    new RegExp(`^${role} may not make a scratch database on .*: grant it CREATEDB, or leave`),
  );
  assert.doesNotMatch(stderr, /secret-word/);
  assert.deepEqual(await bench.ids(), []);
  assert.deepEqual(await bench.list('drizzle'), ['schema']);
});
