import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { keepsAll, lossComment, lossesOf } from '../../../../src/main/migrate/generate/losses.ts';
import type { Delta, Entity } from '../../../../src/main/migrate/generate/snapshots.ts';

const key = (type: string, ...names: string[]) => `${type}\0${JSON.stringify(names)}`;
const column = (table: string, name: string, type: string): Entity => ({
  entityType: 'columns',
  schema: 'public',
  table,
  name,
  type,
  dimensions: 0,
  generated: null,
});
const table = (name: string): Entity => ({ entityType: 'tables', schema: 'public', name });

test('what a change drops is lost by its UP, what it makes is lost by its DOWN', () => {
  const deltas: Delta[] = [
    { op: 'create', row: table('made') },
    { op: 'create', row: column('made', 'a', 'text') },
    { op: 'create', row: column('kept', 'fresh', 'text') },
    { op: 'drop', key: key('tables', 'public', 'gone') },
    { op: 'drop', key: key('columns', 'public', 'gone', 'a') },
    { op: 'drop', key: key('columns', 'public', 'kept', 'stale') },
  ];
  const before = [table('gone'), column('gone', 'a', 'text'), table('kept'), column('kept', 'stale', 'text')];
  const { up, down } = lossesOf(deltas, before);
  assert.deepEqual(up, ['the rows of gone', 'the values of kept.stale']);
  assert.deepEqual(down, ['the rows of made', 'the values of kept.fresh']);
  assert.equal(lossComment(up), '-- LOSES DATA: the rows of gone, the values of kept.stale.\n\n');
  assert.equal(lossComment([]), '');
});

test('a type that is wider loses nothing upwards, also of a column that is renamed with its table', () => {
  const deltas: Delta[] = [
    { op: 'rename', key: key('tables', 'public', 'tasks'), set: { name: 'jobs' } },
    { op: 'rename', key: key('columns', 'public', 'jobs', 'n'), set: { name: 'm' } },
    { op: 'alter', key: key('columns', 'public', 'jobs', 'm'), set: { type: 'bigint' } },
    { op: 'alter', key: key('columns', 'public', 'jobs', 'v'), set: { type: 'varchar(10)' } },
    { op: 'alter', key: key('enums', 'public', 'state'), set: { values: ['a', 'c'] } },
  ];
  const state = { entityType: 'enums', schema: 'public', name: 'state', values: ['a', 'b'] };
  const before = [column('tasks', 'n', 'integer'), column('tasks', 'v', 'varchar(20)'), state];
  assert.deepEqual(lossesOf(deltas, before), {
    up: [
      'the values of jobs.v that varchar(10) cannot hold',
      "the value 'b' of state, which no row may have then",
    ],
    down: [
      'the values of jobs.m that integer cannot hold',
      "the value 'c' of state, which no row may have then",
    ],
  });
});

test('of two different types at most one holds all that the other does, but for text', () => {
  const size = fc.integer({ min: 1, max: 40 });
  const type = fc.oneof(
    fc.constantFrom(
      'smallint',
      'integer',
      'bigint',
      'numeric',
      'real',
      'double precision',
      'text',
      'uuid',
      'date',
    ),
    size.map((length) => `varchar(${length})`),
    fc.tuple(size, size).map(([whole, scale]) => `numeric(${whole + scale}, ${scale})`),
  );
  fc.assert(
    fc.property(type, type, (one, other) => {
      assert.ok(keepsAll(one, one) && keepsAll(one, 'text'));
      if (one !== other) assert.ok(!(keepsAll(one, other) && keepsAll(other, one)), `${one} and ${other}`);
    }),
  );
  for (const [from, to] of [
    ['varchar(5)', 'varchar(6)'],
    ['integer', 'numeric'],
    ['numeric(5,2)', 'numeric(6,2)'],
  ])
    assert.ok(keepsAll(from as string, to as string), `${from} to ${to}`);
  for (const [from, to] of [
    ['numeric(5,2)', 'numeric(5,3)'],
    ['text', 'uuid'],
    ['text[]', 'varchar(9)'],
  ])
    assert.ok(!keepsAll(from as string, to as string), `${from} to ${to}`);
});
