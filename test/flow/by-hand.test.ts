import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { runByHand } from '../../src/main/engine/by-hand.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';

describe('running a task by hand', { concurrency: false }, () => {
  let heddle: TestEngine;
  before(async () => {
    heddle = await startTestEngine({ threads: 1, closed: true });
  });
  after(() => heddle.stop());

  it('starts its retries anew, and goes on counting attempts', async () => {
    const [id] = await added('failed', null);
    await heddle.pool.query('update tasks set attempt = 4, error = $2 where id = $1', [id, 'why']);
    assert.deepEqual(await runByHand(heddle.pool, [id as string], 'test'), [id]);
    const task = await heddle.task(id as string);
    assert.deepEqual(
      [task.status, task.error, task.attempt, task.attempts_forgiven, task.finished_at],
      ['queued', null, 4, 4, null],
    );
  });

  it('leaves running and completed ones alone', async () => {
    const [completed] = await added('completed', null);
    assert.deepEqual(await runByHand(heddle.pool, [completed as string], 'test'), []);
  });

  it('leaves one alone whose key an unfinished task has, and runs the others', async () => {
    const [failed] = await added('failed', 'taken');
    await added('queued', 'taken');
    const [other] = await added('failed', 'free');
    assert.deepEqual(await runByHand(heddle.pool, [failed as string, other as string], 'test'), [other]);
    assert.equal((await heddle.task(failed as string)).status, 'failed');
  });

  it('runs one of several with the same key', async () => {
    const twins = [...(await added('failed', 'twin')), ...(await added('cancelled', 'twin'))];
    assert.deepEqual(await runByHand(heddle.pool, twins, 'test'), twins.slice(0, 1));
  });

  async function added(status: string, key: string | null): Promise<string[]> {
    const { rows } = await heddle.pool.query<{ id: string }>(
      `insert into tasks (type, status, unique_key, finished_at) values ('no-op', $1, $2, now()) returning id`,
      [status, key],
    );
    return rows.map(({ id }) => id);
  }
});
