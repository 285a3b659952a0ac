import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrateUp } from '../../../src/main/migrate/apply.ts';
import { pendingMigrations } from '../../../src/main/migrate/pending.ts';
import type { HeddleEvent } from '../../../src/main/observe/events.ts';
import { eventually, migrationBench } from '../../support/migration-bench.ts';

const A = '20260101000000_a';
const B = '20260102000000_b';
const C = '20260103000000_c';

const LEDGER = 'select id from ai_migrations order by seq';
const TABLES = "select relname from pg_class where relkind = 'r' and relname in ('a', 'b', 'c') order by 1";
const VALID = "select indisvalid from pg_index where indexrelid = 'a_id'::regclass";

test('all pending migrations are applied in order, once', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(B, 'alter table a add column b int;', 'alter table a drop column b;');
  await bench.pair(A, 'create table a (id int);', 'drop table a;');
  await bench.pair(C, 'create table c (id int);', 'drop table c;');
  const first = await bench.migrate('--up');
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, new RegExp(`^applied ${A}.*\napplied ${B}.*\napplied ${C}.*\n$`));
  assert.deepEqual(await bench.values(LEDGER), [A, B, C]);
  const second = await bench.migrate('--up');
  assert.deepEqual([second.code, second.stdout], [0, 'nothing to do\n']);
});

test('--to applies up to a migration, and refuses one that does not exist', async (t) => {
  const bench = await migrationBench(t);
  for (const id of [A, B, C])
    await bench.pair(id, `create table ${id.at(-1)} ();`, `drop table ${id.at(-1)};`);
  assert.equal((await bench.migrate('--up', '--to', '20260102000000_x')).code, 2);
  assert.equal((await bench.migrate('--up', '--to', B)).code, 0);
  assert.deepEqual(await bench.values(LEDGER), [A, B]);
});

test('a failed file leaves nothing, names line, SQLSTATE and statement, and is run again next time', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, 'create table a ();', 'drop table a;');
  const broken = `create table b ();\nselect 1;\n\ninsert\n  into missing\n  values (1);\nselect 4;\nselect 5;`;
  await bench.pair(B, broken, 'drop table b;');
  await bench.pair(C, 'create table c ();', 'drop table c;');
  const { code, stderr } = await bench.migrate('--up');
  assert.equal(code, 1);
  assert.equal(
    stderr,
    `${B}_UP.sql:5: relation "missing" does not exist (42P01) in: insert into missing values (1)\n`,
  );
  assert.deepEqual(await bench.values(TABLES), ['a']);
  assert.deepEqual(await bench.values(LEDGER), [A]);

  await bench.pair(B, 'create table b ();', 'drop table b;');
  assert.equal((await bench.migrate('--up')).code, 0);
  assert.deepEqual(await bench.values(LEDGER), [A, B, C]);
});

test('a constraint that fails only at the commit is an error of its file', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(
    A,
    `create table a (id int primary key, other int references a deferrable initially deferred);
     insert into a values (1, 2);`,
    'drop table a;',
  );
  const { code, stderr } = await bench.migrate('--up');
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`^${A}_UP.sql: at its end: .*\\(23503\\)\n$`));
  assert.deepEqual(await bench.values(TABLES), []);
});

test('five processes at once: each file runs once, and all of them succeed', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, 'create table a (); select pg_sleep(0.5);', 'drop table a;');
  await bench.pair(B, 'create table b ();', 'drop table b;');
  const runs = await Promise.all(Array.from({ length: 5 }, () => bench.migrateAlone('--up')));
  assert.deepEqual(
    runs.map(({ code, stderr }) => [code, stderr.replace(/^waiting: .*\n/gm, '')]),
    Array.from({ length: 5 }, () => [0, '']),
  );
  assert.equal(
    runs
      .map(({ stdout }) => stdout)
      .join('')
      .match(/^applied /gm)?.length,
    2,
  );
  assert.deepEqual(await bench.values(LEDGER), [A, B]);
});

test('processes that wait for the lock do not deadlock with CREATE INDEX CONCURRENTLY', async (t) => {
  const bench = await migrationBench(t);
  await bench.pool.query('create table a as select generate_series(1, 1000) as id');
  // The others wait already when the index is begun.
  const up = '-- heddle:no-transaction\nselect pg_sleep(1);\ncreate index concurrently a_id on a (id);';
  await bench.pair(A, up, 'drop index a_id;');
  const runs = await Promise.all(Array.from({ length: 3 }, () => bench.migrateAlone('--up')));
  assert.deepEqual(
    runs.map(({ code }) => code),
    [0, 0, 0],
  );
  assert.deepEqual(await bench.values(VALID), [true]);
});

test('a file without a transaction is split rightly, and may change its settings as it likes', async (t) => {
  const bench = await migrationBench(t);
  await bench.pool.query('create table a (id int)');
  await bench.pair(
    A,
    `-- heddle:no-transaction
set search_path = pg_catalog;
create index concurrently one on public.a (id);
reset search_path;
create function f() returns text language plpgsql as $f$ begin return ';'; end $f$;
/* ; */ create index concurrently two on a (id);`,
    '-- heddle:no-transaction\ndrop index concurrently one; drop index concurrently two; drop function f;',
  );
  assert.deepEqual(await bench.migrate('--up').then(({ code, stderr }) => [code, stderr]), [0, '']);
  assert.deepEqual(
    await bench.values("select count(*)::int from pg_index where indrelid = 'a'::regclass"),
    [2],
  );
  assert.deepEqual(await bench.migrate('--rollback').then(({ code, stderr }) => [code, stderr]), [0, '']);
  assert.deepEqual(
    await bench.values("select count(*)::int from pg_index where indrelid = 'a'::regclass"),
    [0],
  );
});

test('semicolons in strings, names, bodies and comments make no difference, in a transaction and without', async (t) => {
  const bench = await migrationBench(t);
  await bench.pool.query('create table texts (file text, text text)');
  const insertsOf = (file: string) => `
insert into texts values ('${file}', 'a;''b;');
insert into texts values ('${file}', E'it\\'s; \\\\'); insert into texts values ('${file}', $$;'$1;$$);
insert into texts select '${file}', $tag$ ; $$ ; $tag$ as "semi;""colon" /* ; /* ; */ ; */ -- ; it's
;
do $do$ begin insert into texts values ('${file}', ';'); perform 1; end $do$;`;
  await bench.pair(A, insertsOf('a'), "delete from texts where file = 'a';");
  await bench.pair(B, `-- heddle:no-transaction${insertsOf('b')}`, "delete from texts where file = 'b';");
  assert.deepEqual(await bench.migrate('--up').then(({ code, stderr }) => [code, stderr]), [0, '']);
  for (const file of ['a', 'b'])
    assert.deepEqual(
      await bench.values(`select text from texts where file = '${file}'`),
      ["a;'b;", "it's; \\", ";'$1;", ' ; $$ ; ', ';'],
      file,
    );
});

test('a password in a statement that fails is neither printed nor kept', async (t) => {
  const bench = await migrationBench(t);
  const role = "create role heddle_nobody login password 'very-secret' in role heddle_missing;";
  for (const up of [role, `-- heddle:no-transaction\nselect 1;\n${role}`]) {
    await bench.pair(A, up, 'drop role heddle_nobody;');
    const failed = await bench.migrate('--up');
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /\(42704\) in: create role heddle_nobody login password \*\*\* in role/);
    const told = [failed, await bench.migrate('--status'), await bench.migrate('--up')];
    assert.doesNotMatch(JSON.stringify(told), /very-secret/);
  }
  assert.equal((await bench.values('select error from ai_migrations')).length, 1);
  assert.doesNotMatch(String(await bench.values('select error from ai_migrations')), /very-secret/);
});

test("one file's settings do not reach the ledger or the next file", async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(
    A,
    'create schema other; set search_path = other; set statement_timeout = 400;',
    'drop schema other;',
  );
  await bench.pair(B, 'select pg_sleep(0.5); create table b ();', 'drop table b;');
  assert.deepEqual(await bench.migrate('--up').then(({ code, stderr }) => [code, stderr]), [0, '']);
  assert.deepEqual(
    await bench.values("select relnamespace::regnamespace::text from pg_class where relname = 'b'"),
    ['public'],
  );
});

test('a unique index that failed concurrently is dropped and built again once the data are put right', async (t) => {
  const bench = await migrationBench(t);
  await bench.pool.query('create table a (id int); insert into a values (1), (1)');
  const up = '-- heddle:no-transaction\ncreate unique index concurrently if not exists a_id on a (id);';
  await bench.pair(A, up, 'drop index a_id;');
  const failed = await bench.migrate('--up');
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, new RegExp(`^${A}_UP.sql:2: .*\\(23505\\) in: create unique index`));
  const status = await bench.migrate('--status', '--json');
  assert.equal(JSON.parse(status.stdout).items[0].state, 'failed');

  await bench.pool.query('delete from a');
  assert.deepEqual(await bench.migrate('--up').then(({ code, stderr }) => [code, stderr]), [0, '']);
  assert.deepEqual(await bench.values(VALID), [true]);
});

test('a file without a transaction that failed half-way stops everything until a person has looked', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, '-- heddle:no-transaction\ncreate table a ();\nselect 1/0;', 'drop table a;');
  await bench.pair(B, 'create table b ();', 'drop table b;');
  assert.equal((await bench.migrate('--up')).code, 1);
  const again = await bench.migrate('--up');
  assert.equal(again.code, 3);
  assert.match(
    again.stderr,
    new RegExp(`^${A}_UP.sql:3: division by zero \\(22012\\) in: select 1/0; .*--repair ${A}`),
  );
  await assert.rejects(migrateUp({ url: bench.url, directory: bench.directory, observe: () => {} }), {
    exitCode: 3,
  });
  assert.deepEqual(await bench.values(TABLES), ['a']);
});

test('an applied UP that was edited is refused; line ends and BOM are no edit', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, 'create table a ();\n', 'drop table a;');
  await bench.migrate('--up');
  await bench.pair(A, '\ufeffcreate table a ();\r\n\r\n', 'drop table a;');
  assert.equal((await bench.migrate('--up')).code, 0);
  await bench.pair(A, 'create table a (id int);', 'drop table a;');
  const { code, stderr } = await bench.migrate('--up');
  assert.equal(code, 3);
  assert.match(stderr, new RegExp(`^${A}_UP.sql: it was edited after it was applied`));
});

test('a function in a file with BOM and CRLF has no carriage return in its body', async (t) => {
  const bench = await migrationBench(t);
  const body =
    "\ufeffcreate function f() returns text language plpgsql as $$\r\nbegin\r\n  return 'é';\r\nend $$;\r\n";
  await bench.pair(A, body, 'drop function f;\r\n');
  assert.equal((await bench.migrate('--up')).code, 0);
  assert.deepEqual(await bench.values("select prosrc from pg_proc where proname = 'f'"), [
    "\nbegin\n  return 'é';\nend ",
  ]);
});

test('a fault in any file keeps every file from running', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, 'create table a ();', 'drop table a;');
  await bench.pair(B, 'create table b ();\ncommit;\n\\i x', 'drop table b;');
  const { code, stderr } = await bench.migrate('--up');
  assert.equal(code, 3);
  assert.deepEqual(
    stderr
      .trim()
      .split('\n')
      .map((line) => line.split(': ')[0]),
    [`${B}_UP.sql:2`, `${B}_UP.sql:3`],
  );
  assert.deepEqual(
    await bench.values("select relname from pg_class where relnamespace = 'public'::regnamespace"),
    [],
  );
});

test('what the server does not run in a transaction fails with a hint to the directive', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, 'reindex schema public;', 'select 1;');
  const { code, stderr } = await bench.migrate('--up');
  assert.equal(code, 1);
  assert.match(
    stderr,
    /\(25001\); make the first line of the file -- heddle:no-transaction in: reindex schema/,
  );
});

test('an older migration that turns up late is refused unless it is allowed; rollback then undoes it first', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(B, 'create table b ();', 'drop table b;');
  await bench.migrate('--up');
  await bench.pair(A, 'create table a ();', 'drop table a;');
  const refused = await bench.migrate('--up');
  assert.equal(refused.code, 3);
  assert.match(refused.stderr, new RegExp(`^${A}: it is older than ${B}, which is applied`));
  assert.equal((await bench.migrate('--up', '--allow-out-of-order')).code, 0);
  assert.deepEqual(await bench.values(LEDGER), [B, A]);
  assert.match((await bench.migrate('--rollback')).stdout, new RegExp(`^rolled back ${A} `));
});

test('an applied migration without its files stops --up; a runner accepts one that is newer than its own', async (t) => {
  const bench = await migrationBench(t);
  for (const id of [A, B]) await bench.pair(id, `create table ${id.at(-1)} ();`, `drop table ${id.at(-1)};`);
  await bench.migrate('--up');
  for (const name of [`${B}_UP.sql`, `${B}_DOWN.sql`]) await bench.remove(name);
  const { code, stderr } = await bench.migrate('--up');
  assert.equal(code, 3);
  assert.match(stderr, new RegExp(`^${B}: it is applied, but its files are missing`));

  const events: HeddleEvent[] = [];
  const observe = (event: HeddleEvent) => void events.push(event);
  assert.deepEqual(await migrateUp({ ...bench, observe }), { applied: [] });
  assert.deepEqual(events, [{ event: 'migrations_newer', ids: [B] }]);

  for (const name of [`${A}_UP.sql`, `${A}_DOWN.sql`]) await bench.remove(name);
  await bench.pair(C, 'create table c ();', 'drop table c;');
  await assert.rejects(migrateUp({ ...bench, observe }), { exitCode: 3 });
});

test('behind an open reader the change is tried again and again, and other readers wait only for moments', async (t) => {
  const bench = await migrationBench(t);
  await bench.pool.query('create table a (id int)');
  await bench.pair(A, 'alter table a add column b int;', 'alter table a drop column b;');
  const reader = await bench.client();
  await reader.query('begin; select * from a');

  const failed = await bench.migrate('--up', '--lock-timeout', '0.3');
  assert.equal(failed.code, 1);
  assert.match(
    failed.stderr,
    new RegExp(`^${A}_UP.sql:1: canceling statement due to lock timeout \\(55P03\\)`, 'm'),
  );

  const running = bench.migrate('--up', '--lock-timeout', '30');
  await eventually('the ALTER TABLE waits', async () => {
    const waiting =
      "select count(*)::int from pg_stat_activity where wait_event_type = 'Lock' and query like 'alter%'";
    return (await bench.values(waiting))[0] === 1;
  });
  const asked = performance.now();
  await bench.pool.query('select * from a');
  assert.ok(performance.now() - asked < 4000, 'another reader waited for longer than one try');
  await reader.query('commit');
  const { code, stderr } = await running;
  assert.equal(code, 0, stderr);
  assert.match(stderr, new RegExp(`^trying ${A} again: .*55P03`));
});

test('what is pending can be asked without a lock, and without making the table', async (t) => {
  const bench = await migrationBench(t);
  for (const id of [A, B]) await bench.pair(id, `create table ${id.at(-1)} ();`, `drop table ${id.at(-1)};`);
  assert.deepEqual(await pendingMigrations(bench.pool, bench.directory), [A, B]);
  assert.deepEqual(await bench.values("select to_regclass('ai_migrations')"), [null]);
  await bench.migrate('--up', '--to', A);
  assert.deepEqual(await pendingMigrations(bench.pool, bench.directory), [B]);
});
