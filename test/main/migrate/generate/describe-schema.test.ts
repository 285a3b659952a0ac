import assert from 'node:assert/strict';
import { test } from 'node:test';
import type pg from 'pg';
import { invalidIndexes } from '../../../../src/main/migrate/generate/describe-schema.ts';
import { differences, missingFrom } from '../../../../src/main/migrate/generate/difference.ts';
import { createEmptyDatabase } from '../../../support/database.ts';
import { schemaOf } from '../../../support/schema-of.ts';

/** Statements that each change the schema, the object that shows it, and what takes it back. */
const CHANGES: [change: string, object: string, undo: string][] = [
  ['create table t2 ()', 'table t2', 'drop table t2'],
  ['create unlogged table t2 ()', 'table t2', 'drop table t2'],
  ['alter table t set (fillfactor = 70)', 'options of t', 'alter table t reset (fillfactor)'],
  [
    'alter table t enable row level security',
    'row security of t',
    'alter table t disable row level security',
  ],
  ['alter table t add c int', 'column t.c', 'alter table t drop c'],
  ['alter table t alter a set not null', 'column t.a', 'alter table t alter a drop not null'],
  ['alter table t alter a set default 1', 'column t.a', 'alter table t alter a drop default'],
  ['alter table t alter a type bigint', 'column t.a', 'alter table t alter a type int'],
  [
    'alter table t alter b type text collate "C"',
    'column t.b',
    'alter table t alter b type text collate "default"',
  ],
  ['alter table t alter b set storage plain', 'storage of t.b', 'alter table t alter b set storage extended'],
  [
    'alter table t alter id drop identity',
    'column t.id',
    'alter table t alter id add generated always as identity',
  ],
  ['alter table t alter id set increment 5', 'sequence of t.id', 'alter table t alter id set increment 1'],
  ['alter table t add constraint k check (a > 0)', 'constraint t.k', 'alter table t drop constraint k'],
  [
    'alter table t add constraint k check (a > 0) not valid',
    'constraint t.k',
    'alter table t drop constraint k',
  ],
  ['alter table t add constraint k unique (a)', 'constraint t.k', 'alter table t drop constraint k'],
  ['create index i on t (a)', 'index i', 'drop index i'],
  ['create index i on t (a) where a > 1', 'index i', 'drop index i'],
  ['create sequence s', 'sequence s', 'drop sequence s'],
  ["create type mood as enum ('a', 'b')", 'type mood', 'drop type mood'],
  ["alter type state add value 'x'", 'type state', "drop type state; create type state as enum ('a')"],
  ['create type pair as (x int, y int)', 'column pair.x', 'drop type pair'],
  ['create type span as range (subtype = int)', 'type span', 'drop type span'],
  ['create domain d as int check (value > 0)', 'domain d', 'drop domain d'],
  ['create function f() returns int language sql return 2', 'function f()', 'drop function f()'],
  [
    'create or replace function g() returns int language sql return 2',
    'function g()',
    'create or replace function g() returns int language sql return 1',
  ],
  [
    'create aggregate total (int) (sfunc = int4pl, stype = int)',
    'function total(integer)',
    'drop aggregate total(int)',
  ],
  [
    'create trigger tr before update on t for each row execute function suppress_redundant_updates_trigger()',
    'trigger t.tr',
    'drop trigger tr on t',
  ],
  ['create rule r as on delete to t do instead nothing', 'rule t.r', 'drop rule r on t'],
  ['create policy p on t using (a > 0)', 'policy t.p', 'drop policy p on t'],
  ['create view v as select a from t', 'view v', 'drop view v'],
  ['create materialized view m as select a from t', 'materialized view m', 'drop materialized view m'],
  ['create statistics st on a, b from t', 'statistics st', 'drop statistics st'],
  ["comment on column t.a is 'x'", 'comment on table column public.t.a', 'comment on column t.a is null'],
  ['grant select on t to public', 'grants on t', 'revoke select on t from public'],
  ['grant select (a) on t to public', 'grants on t.a', 'revoke select (a) on t from public'],
  [
    'revoke execute on function g() from public',
    'grants on function g()',
    'grant execute on function g() to public',
  ],
  ['create schema other', 'schema other', 'drop schema other'],
  ['create schema other; create table other.t ()', 'table other.t', 'drop schema other cascade'],
  ['create collation coll from "C"', 'collation public.coll', 'drop collation coll'],
  [
    'create extension if not exists plpgsql; create publication pub',
    'publication pub',
    'drop publication pub',
  ],
];

async function databaseWithTable(t: { after(fn: () => Promise<void>): void }): Promise<pg.Pool> {
  const database = await createEmptyDatabase();
  t.after(() => database.drop());
  const pool = database.pool();
  await pool.query(`
    create table t (id int generated always as identity, a int, b text);
    create type state as enum ('a');
    create function g() returns int language sql return 1;`);
  return pool;
}

test('whatever a migration makes or changes shows as its object, and is as before when it is undone', async (t) => {
  const pool = await databaseWithTable(t);
  const before = await schemaOf(pool);
  for (const [change, object, undo] of CHANGES) {
    await pool.query(change);
    const after = await schemaOf(pool);
    assert.notEqual(after.get(object), before.get(object), `${change} does not show as ${object}`);
    await pool.query(undo);
    assert.deepEqual(await schemaOf(pool), before, `${undo} does not undo ${change}`);
  }
});

test('an index whose making failed is told apart from one that is of use', async (t) => {
  const pool = await databaseWithTable(t);
  await pool.query('insert into t (a) values (1), (1)');
  await assert.rejects(pool.query('create unique index concurrently one on t (a)'), { code: '23505' });
  assert.deepEqual(invalidIndexes(await schemaOf(pool)), ['invalid index one']);
});

test('the order of columns, rows and the names of owned sequences make no difference', async (t) => {
  const pool = await databaseWithTable(t);
  await pool.query('create table u (id serial, a int, b int)');
  const before = await schemaOf(pool);
  await pool.query(`insert into u (a) values (1); alter table u drop a; alter table u add a int;
    alter sequence u_id_seq rename to counter`);
  assert.deepEqual(await schemaOf(pool), before);
});

test('a difference names the object, and shows the place where a long definition differs', () => {
  const sides = { wanted: 'before', found: 'after' };
  const long = (end: string) => `create function ${'x'.repeat(500)} ${end}`;
  const wanted = new Map([
    ['table a', 'table'],
    ['function f()', long('one')],
    ['same', 'same'],
  ]);
  const found = new Map([
    ['table b', 'table'],
    ['function f()', long('two')],
    ['same', 'same'],
  ]);
  assert.deepEqual(differences(wanted, wanted, sides), []);
  assert.deepEqual(differences(wanted, found, sides), [
    `  function f(): before: …${'x'.repeat(59)} one | after: …${'x'.repeat(59)} two`,
    '  table a: is not there after; before: table',
    '  table b: is there after, and not before: table',
  ]);
});

test('more than the schema asks for is fine, and so is another name of the same constraint', () => {
  const sides = { wanted: 'in the schema', found: 'after the migrations' };
  const schema = new Map([
    ['table a', 'table'],
    ['constraint a.new_pkey', 'PRIMARY KEY (id)'],
  ]);
  const made = new Map([
    ['table a', 'table'],
    ['constraint a.old_pkey', 'PRIMARY KEY (id)'],
    ['trigger a.t', 'x'],
  ]);
  assert.deepEqual(missingFrom(schema, made, sides), []);
  assert.deepEqual(missingFrom(made, schema, sides), [
    '  trigger a.t: is not there after the migrations; in the schema: x',
  ]);
  const elsewhere = new Map([
    ['table a', 'table'],
    ['constraint b.old_pkey', 'PRIMARY KEY (id)'],
  ]);
  assert.equal(missingFrom(schema, elsewhere, sides).length, 1);
});
