import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type pg from 'pg';
import { TaskTypeCatalogue } from '../../../src/main/engine/task-types.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { publishTaskTypes } from '../../support/task-types.ts';

let testDatabase: TestDatabase;
let database: pg.Pool;
before(async () => {
  testDatabase = await createTestDatabase();
  database = testDatabase.pool();
  await publishTaskTypes(database);
});
after(() => testDatabase?.drop());

/** Publishes a schema as `anything`'s, and tells what it finds wrong with params. */
async function faults(schema: object, params: unknown) {
  await database.query(`update task_types set payload_schema = $1 where name = 'anything'`, [schema]);
  const types = await new TaskTypeCatalogue(database).find(['anything']);
  return types.get('anything')?.faultsOf(params);
}

describe('the catalogue', () => {
  it('knows a type as soon as it is published', async () => {
    const catalogue = new TaskTypeCatalogue(database);
    assert.equal((await catalogue.find(['brand-new'])).has('brand-new'), false);
    await database.query(
      `insert into task_types (name, kind, timeout_seconds, max_retries, retry, poll_interval_seconds)
       values ('brand-new', 'database', 1, 0, '{}', 1)`,
    );
    assert.equal((await catalogue.find(['greet', 'brand-new'])).has('brand-new'), true);
  });

  it('points at what is wrong with params', async () => {
    const schema = {
      type: 'object',
      properties: { list: { type: 'array', items: { type: 'object', required: ['a/b'] } } },
      additionalProperties: false,
    };
    assert.deepEqual(await faults(schema, { list: [{ 'a/b': 1 }, {}], 'x~y': 1 }), [
      { pointer: '/x~0y', detail: 'is not a known field' },
      { pointer: '/list/1/a~1b', detail: 'is required' },
    ]);
    assert.deepEqual(await faults(schema, []), [{ pointer: '', detail: 'must be object' }]);
  });

  it('lets everything pass where a schema cannot be compiled: the thread checks params whole', async () => {
    assert.deepEqual(await faults({ type: 'string', pattern: '^\\_$' }, 7), []);
    assert.deepEqual(await faults({ type: 'nonsense' }, 7), []);
  });

  it('ignores formats it does not know', async () => {
    const schema = { type: 'object', properties: { a: { type: 'string', format: 'nanoid' } } };
    assert.deepEqual(await faults(schema, { a: '?' }), []);
  });
});
