import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type pg from 'pg';
import { transaction } from '../../../src/main/database/connect.ts';
import { SubmissionError } from '../../../src/main/engine/submission-error.ts';
import { type Submission, submit } from '../../../src/main/engine/submit.ts';
import { TaskTypeCatalogue } from '../../../src/main/engine/task-types.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { putInto } from '../../support/task-states.ts';
import { publishTaskTypes } from '../../support/task-types.ts';

let testDatabase: TestDatabase;
let database: pg.Pool;
let catalogue: TaskTypeCatalogue;
before(async () => {
  testDatabase = await createTestDatabase();
  database = testDatabase.pool();
  await publishTaskTypes(database);
  catalogue = new TaskTypeCatalogue(database);
});
after(() => testDatabase?.drop());

const submitAs = (...submissions: Submission[]) => submit(database, catalogue, submissions, 'test');

async function faultsOf(...submissions: Submission[]) {
  const error = await submitAs(...submissions).then(
    () => assert.fail('was accepted'),
    (error: unknown) => error,
  );
  assert.ok(error instanceof SubmissionError);
  return error.faults.map(({ kind, index, pointer }) => `${index}${pointer} ${kind}`);
}

const countTasks = async () => {
  const { rows } = await database.query<{ count: number }>('select count(*)::int as count from tasks');
  return rows[0]?.count;
};

describe('a submission', () => {
  it('without options becomes a task with the limits of its type', async () => {
    const [submitted] = await submitAs({ type: 'anything' });
    const task = submitted?.task;
    assert.equal(submitted?.deduplicated, false);
    assert.deepEqual([task?.status, task?.params, task?.max_retries, task?.attempt], ['queued', {}, 2, 0]);
    const { rows } = await database.query('select submitted_by, claim_token from tasks where id = $1', [
      task?.id,
    ]);
    assert.deepEqual(rows, [{ submitted_by: 'test', claim_token: null }]);
    assert.match(task?.run_at ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('is all or nothing with the others', async () => {
    const before = await countTasks();
    assert.deepEqual(
      await faultsOf({ type: 'anything' }, { type: 'greet' }, { type: 'no' }, { type: 'tick' }),
      ['1/params/name invalid-params', '2/type unknown-type', '3/type periodic-type'],
    );
    assert.equal(await countTasks(), before);
  });

  it('is committed with the transaction it is made in', async () => {
    const before = await countTasks();
    const rolledBack = transaction(database, async (client) => {
      await submit(client, catalogue, [{ type: 'anything' }], 'test');
      throw new Error('changed my mind');
    });
    await assert.rejects(rolledBack, /changed my mind/);
    assert.equal(await countTasks(), before);
  });

  it('of nothing is nothing', async () => {
    assert.deepEqual(await submitAs(), []);
  });

  it('that no schema could bear is refused before a schema sees it', async () => {
    const deep = JSON.parse(`${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`);
    assert.deepEqual(await faultsOf({ type: 'greet', params: deep }), ['0 invalid-field']);
    assert.deepEqual(await faultsOf({ type: 'greet', params: { name: '\0' } }), [
      '0/params/name invalid-field',
    ]);
  });
});

describe('equal submissions', () => {
  it('of one call are one task, and each further one allows one more retry', async () => {
    const equal = { type: 'once', params: { call: 1 } };
    const [first, second, other, third] = await submitAs(
      equal,
      { type: 'once', params: { call: 1.0 } },
      { type: 'once', params: { call: 2 } },
      equal,
    );
    assert.deepEqual(
      [first, second, other, third].map((submitted) => submitted?.deduplicated),
      [false, true, false, true],
    );
    assert.equal(second?.task.id, first?.task.id);
    assert.equal(third?.task.id, first?.task.id);
    assert.notEqual(other?.task.id, first?.task.id);
    assert.equal(first?.task.max_retries, 5);
    const again = await submitAs(equal, equal);
    assert.deepEqual(
      again.map(({ task, deduplicated }) => [task.id, task.max_retries, deduplicated]),
      Array(2).fill([first?.task.id, 7, true]),
    );
  });

  it('by a key are one task whatever their params, but only of one type', async () => {
    const [a] = await submitAs({ type: 'anything', unique_key: 'k', params: { x: 1 } });
    const [b] = await submitAs({ type: 'anything', unique_key: 'k', params: { x: 2 } });
    const [c] = await submitAs({ type: 'once', unique_key: 'k' });
    assert.equal(b?.task.id, a?.task.id);
    assert.deepEqual(b?.task.params, { x: 1 });
    assert.notEqual(c?.task.id, a?.task.id);
  });

  it('wait for a transaction that is about to end the first, and are new work then', async () => {
    const [first] = await submitAs({ type: 'once', params: { ending: 1 } });
    const id = first?.task.id ?? '';
    const second = await transaction(database, async (client) => {
      await putInto(client, id, 'completed');
      const submission = submitAs({ type: 'once', params: { ending: 1 } });
      return { submission };
    });
    const [answer] = await second.submission;
    assert.equal(answer?.deduplicated, false);
    assert.notEqual(answer?.task.id, id);
  });

  it('of calls that name them in different orders do not lock each other out', async () => {
    const keys = Array.from({ length: 40 }, (_, n) => ({ type: 'anything', unique_key: `order ${n}` }));
    const calls = Array.from({ length: 20 }, (_, n) => submitAs(...(n % 2 === 0 ? keys : keys.toReversed())));
    const ids = new Set((await Promise.all(calls)).flat().map(({ task }) => task.id));
    assert.equal(ids.size, 40);
  });
});
