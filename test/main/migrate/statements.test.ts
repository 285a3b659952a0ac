import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MigrationError } from '../../../src/main/migrate/error.ts';
import { brief, scriptOf } from '../../../src/main/migrate/script.ts';
import { makeReady, type Statement } from '../../../src/main/migrate/statements.ts';

const NO_TRANSACTION = '-- heddle:no-transaction\n';

async function statementsOf(sql: string): Promise<Statement[]> {
  const { statements } = await makeReady(scriptOf('f.sql', 'UP', sql));
  assert.ok(statements !== null);
  return statements;
}

async function texts(sql: string): Promise<string[]> {
  return (await statementsOf(sql)).map(({ text }) => text);
}

async function faults(sql: string): Promise<{ line: number; message: string }[]> {
  try {
    await statementsOf(sql);
    return [];
  } catch (error) {
    assert.ok(error instanceof MigrationError);
    assert.equal(error.exitCode, 3);
    return error.faults.map((fault) => {
      const [, line, message = ''] = /^f\.sql:(\d+): (.*)$/s.exec(fault) ?? [];
      return { line: Number(line), message };
    });
  }
}

const lines = async (sql: string) => (await faults(sql)).map(({ line }) => line);

test('a semicolon ends a statement only outside of strings, names, comments and brackets', async () => {
  const statements = [
    `select 'a;''b;'`,
    `select E'it\\'s; \\\\'`,
    `select E'one'\n  'two\\';'`,
    `select U&'\\0041;', b'01', n'x;'`,
    `select 1 as "semi;""colon;"`,
    `select $$;$1;$$, $tag$ ; $$ ; $tag$, $ü$;$ü$`,
    `select a$b$c, $1, 1e5, 0x1F`,
    `select 1 /* ; /* nested ; */ ; */ + 2`,
    `select 1 -- ; it's\n + 2`,
    `create rule r as on insert to t do also (insert into u values (1); insert into v values (2))`,
  ];
  assert.deepEqual(await texts(statements.join(';\n')), statements);
});

test('a function body of the SQL standard is one statement, also with a CASE in it', async () => {
  const routine = `create or replace function f(a int) returns int language sql
    begin atomic select 1; select case when a > 1 then 2 else 3 end; select (case a when 1 then 2 end); end`;
  const procedure = 'create procedure p() begin atomic insert into t values (1); end';
  assert.deepEqual(await texts(`${routine};${procedure}; select 'begin'; select case 1 when 1 then 2 end;`), [
    routine,
    procedure,
    `select 'begin'`,
    'select case 1 when 1 then 2 end',
  ]);
});

test('statements know the line they begin in; empty ones and comments are none', async () => {
  const statements = await statementsOf(
    "-- fürst 𝒳\n;;\nselect 'ü𝒳';\n\n/* two\nlines */ select\n2; select 3 -- end\n;\n",
  );
  assert.deepEqual(
    statements.map(({ text, line }) => [line, text]),
    [
      [3, "select 'ü𝒳'"],
      [6, 'select\n2'],
      [7, 'select 3 -- end'],
    ],
  );
});

test('any pieces of SQL, joined by semicolons, come apart as they were', async () => {
  const inner = fc.string({
    unit: fc.constantFrom("'", '"', ';', '$', '$$', '\\', '--', '/*', '*/', 'a', ' ', '\n'),
  });
  const value = fc.oneof(
    inner.map((text) => `'${text.replaceAll("'", "''")}'`),
    inner.map((text) => `1 as "x${text.replaceAll('"', '""')}"`),
    inner.map((text) => `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`),
    inner.map((text) => `$x$${text}$x$`),
  );
  const comment = fc.oneof(
    inner.map((text) => `/*${text.replaceAll(/[/*]/g, '')}*/`),
    inner.map((text) => `--${text.replaceAll('\n', '')}\n`),
  );
  const statement = fc
    .array(fc.tuple(comment, value), { minLength: 1 })
    .map((columns) => `select ${columns.map((column) => column.join(' ')).join(', ')}`);
  await fc.assert(
    fc.asyncProperty(fc.array(statement, { minLength: 1 }), async (statements) => {
      assert.deepEqual(await texts(statements.join(';')), statements);
    }),
  );
});

test('what begins or ends a transaction is refused with its line', async () => {
  for (const statement of [
    'begin',
    'START TRANSACTION',
    'Commit',
    'end',
    'rollback',
    'rollback to savepoint a',
    'abort',
    'savepoint a',
    'release a',
    "prepare transaction 'x'",
  ])
    assert.deepEqual(await lines(`select 1;\n\n${statement};\nselect 2;`), [3], statement);
});

test('the same words inside a body, a string or a name are not refused', async () => {
  assert.deepEqual(
    await faults(`do $$ begin commit; end $$; select 'commit'; select 1 as "begin"; prepare plan as select 1;
      create function f() returns void begin atomic select 1; end; comment on table t is 'copy from stdin';
      refresh materialized view concurrently v; select 1 as "concurrently";`),
    [],
  );
});

test('a command of psql is refused with its line, and with what is wrong before it', async () => {
  assert.deepEqual(await faults("select '\\i';\n\\i other.sql\n\\echo it's\nselect 2;"), [
    { line: 2, message: 'a command of psql (a line that begins with \\) is not SQL: take it out' },
  ]);
  assert.deepEqual(await lines('commit;\n\\i other.sql'), [1, 2]);
});

test('COPY through the client is refused once, and its data are not taken for SQL', async () => {
  assert.deepEqual(await lines("select 1;\ncopy t (a, b) from stdin with csv;\nit's,data\n\\.\n"), [2]);
  assert.deepEqual(await lines('copy t to stdout'), [1]);
  assert.deepEqual(await lines("copy t (stdin) from '/file'; copy t to program 'gzip'"), []);
});

test('what cannot run in a transaction is refused there, and the message tells the directive', async () => {
  for (const statement of [
    'create index concurrently on t (a)',
    'create unique index concurrently if not exists i on t (a)',
    'drop index concurrently i',
    'reindex (concurrently) table t',
    'alter table t detach partition p concurrently',
    'vacuum t',
    'create database d',
    'drop database d',
    'alter system set work_mem = 1',
  ]) {
    assert.match((await faults(statement))[0]?.message ?? '', /-- heddle:no-transaction$/, statement);
    assert.deepEqual(await faults(NO_TRANSACTION + statement), []);
  }
  assert.deepEqual(await faults('analyze t; reindex table t'), []);
});

test('what would give back the lock of the migration is refused', async () => {
  assert.match((await faults(`${NO_TRANSACTION}discard all`))[0]?.message ?? '', /^DISCARD ALL would/);
  assert.deepEqual(await faults('discard plans'), []);
});

test('a mistake in the syntax is found before anything runs, with its line', async () => {
  assert.deepEqual(await faults("select 'ü𝒳';\n\n create tabel t ();"), [
    { line: 3, message: 'syntax error at or near "tabel"' },
  ]);
  assert.deepEqual(await faults('select 1;\nselect ('), [
    { line: 2, message: 'syntax error at end of input' },
  ]);
});

test('a string, a name or a comment that is never closed is a fault at its beginning', async () => {
  for (const opened of ["'a", "E'a\\'", '"a', '$$a', '$t$ $$', '/* /* */'])
    assert.deepEqual(await lines(`select 1;\nselect ${opened}\n;`), [2], opened);
});

test('what is nested more deeply than the parser can follow is refused, and the next file is read', async () => {
  assert.match((await faults(`select 1${'+1'.repeat(100_000)}`))[0]?.message ?? '', /nested too deeply/);
  assert.deepEqual(await texts('select 1'), ['select 1']);
});

test('a file that is too large to be parsed is taken whole, unless it would have to be split', async () => {
  const large = `select '${'x'.repeat(1_000_000)}'`;
  assert.equal((await makeReady(scriptOf('f.sql', 'UP', large))).statements, null);
  assert.match((await faults(NO_TRANSACTION + large))[0]?.message ?? '', /make several files of it$/);
});

test('an index that is built concurrently is known by its name and table', async () => {
  const index = async (sql: string) => (await statementsOf(NO_TRANSACTION + sql))[0]?.index;
  assert.deepEqual(await index('create unique index concurrently if not exists I on only app.t (a)'), {
    name: 'i',
    table: '"app"."t"',
  });
  assert.deepEqual(await index('create index concurrently "My ""I" on "T" using gin (a)'), {
    name: 'My "I',
    table: '"T"',
  });
  assert.equal(await index('create index concurrently on t (a)'), undefined);
  assert.equal(await index('create index i on t (a)'), undefined);
});

test('a statement is shown without its passwords, however they are quoted', () => {
  for (const [statement, shown] of [
    ["create role a PASSWORD 'it''s' login", 'create role a PASSWORD *** login'],
    ["alter role a encrypted password\n  E'it\\'s' login", 'alter role a encrypted password *** login'],
    ['alter role a password $x$se $$ cret$x$ login', 'alter role a password *** login'],
    [
      "create subscription s connection 'host=a password=secret port=1'",
      "create subscription s connection 'host=a password=*** port=1'",
    ],
    [`alter role a password '${'x'.repeat(2000)}'`, 'alter role a password ***'],
    ['alter table users add password text', 'alter table users add password text'],
    ['alter role a password null', 'alter role a password null'],
  ] as const)
    assert.equal(brief(statement), shown);
});
