import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readStatements } from '../../../src/main/migrate/statements.ts';

const texts = (sql: string) => readStatements(sql, true).statements.map((statement) => statement.text);
const faults = (sql: string, transactional = true) => readStatements(sql, transactional).faults;

test('a semicolon ends a statement only outside of strings, names, comments and brackets', () => {
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
  assert.deepEqual(texts(statements.join(';\n')), statements);
});

test('a function body of the SQL standard is one statement, also with a CASE in it', () => {
  const routine = `create or replace function f(a int) returns int language sql
    begin atomic select 1; select case when a > 1 then 2 else 3 end; select (case a when 1 then 2 end); end`;
  const procedure = 'create procedure p() begin atomic insert into t values (1); end';
  assert.deepEqual(texts(`${routine};${procedure}; select 'begin'; select case 1 when 1 then 2 end;`), [
    routine,
    procedure,
    `select 'begin'`,
    'select case 1 when 1 then 2 end',
  ]);
});

test('statements know the line they begin in; empty ones and comments are none', () => {
  const { statements } = readStatements(
    '-- first\n;;\nselect 1;\n\n/* two\nlines */ select\n2; select 3;\n',
    true,
  );
  assert.deepEqual(
    statements.map(({ text, line }) => [line, text]),
    [
      [3, 'select 1'],
      [6, 'select\n2'],
      [7, 'select 3'],
    ],
  );
});

test('any pieces of SQL, joined by semicolons, come apart as they were', () => {
  const inner = fc.string({
    unit: fc.constantFrom("'", '"', ';', '$', '$$', '\\', '--', '/*', '*/', 'a', ' ', '\n'),
  });
  const piece = fc.oneof(
    inner.map((text) => `'${text.replaceAll("'", "''")}'`),
    inner.map((text) => `"${text.replaceAll('"', '""')}"`),
    inner.map((text) => `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`),
    inner.map((text) => `$x$${text}$x$`),
    inner.map((text) => `/*${text.replaceAll(/[/*]/g, '')}*/`),
    inner.map((text) => `--${text.replaceAll('\n', '')}\n`),
  );
  const statement = fc.array(piece).map((pieces) => ['select', ...pieces, 'x'].join(' '));
  fc.assert(
    fc.property(fc.array(statement), (statements) => {
      assert.deepEqual(texts(statements.join(';')), statements);
    }),
  );
});

test('what begins or ends a transaction is refused with its line', () => {
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
    assert.deepEqual(
      faults(`select 1;\n\n${statement};\nselect 2;`).map(({ line }) => line),
      [3],
      statement,
    );
});

test('the same words inside a body, a string or a name are not refused', () => {
  assert.deepEqual(
    faults(`do $$ begin commit; end $$; select 'commit'; select 1 as "begin"; prepare plan as select 1;
      create function f() returns void begin atomic select 1; end; comment on table t is 'copy from stdin';
      refresh materialized view concurrently v; select 1 as "concurrently";`),
    [],
  );
});

test("psql's commands are refused with their line, whatever follows on it", () => {
  assert.deepEqual(
    faults("select 1;\n\\i other.sql\n\\echo it's\nselect 2;").map(({ line, message }) => [line, message]),
    [
      [2, '\\i other.sql: commands of psql are not SQL'],
      [3, "\\echo it's: commands of psql are not SQL"],
    ],
  );
});

test('COPY through the client is refused once, and its data are not taken for SQL', () => {
  assert.deepEqual(
    faults("select 1;\ncopy t (a, b) from stdin with csv;\nit's,data\n\\.\n").map(({ line }) => line),
    [2],
  );
  assert.deepEqual(faults('copy t to stdout').length, 1);
  assert.deepEqual(faults("copy t (stdin) from '/file'").length, 0);
});

test('CONCURRENTLY is refused in a transaction, and the message tells the directive', () => {
  for (const statement of [
    'create index concurrently on t (a)',
    'create unique index concurrently if not exists i on t (a)',
    'drop index concurrently i',
    'reindex (concurrently) table t',
    'alter table t detach partition p concurrently',
  ]) {
    assert.match(faults(statement)[0]?.message ?? '', /-- heddle:no-transaction/, statement);
    assert.deepEqual(faults(statement, false), []);
  }
});

test('a string, a name or a comment that is never closed is a fault at its beginning', () => {
  for (const opened of ["'a", "E'a\\'", '"a', '$$a', '$t$ $$', '/* /* */'])
    assert.deepEqual(
      faults(`select 1;\nselect ${opened}\n;`).map(({ line }) => line),
      [2],
      opened,
    );
});

test('an index that is built concurrently is known by its name and table', () => {
  const index = (sql: string) => readStatements(sql, false).statements[0]?.index;
  assert.deepEqual(index('create unique index concurrently if not exists I on only app.t (a)'), {
    name: 'i',
    table: 'app.t',
  });
  assert.deepEqual(index('create index concurrently "My ""I" on "T" using gin (a)'), {
    name: 'My "I',
    table: '"T"',
  });
  assert.equal(index('create index concurrently on t (a)'), undefined);
  assert.equal(index('create index i on t (a)'), undefined);
});
