import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { waitFor } from '../support/wait-for.ts';

describe('deduplication', { concurrency: false }, () => {
  let heddle: TestEngine;
  before(async () => {
    heddle = await startTestEngine({ threads: 2 });
  });
  after(() => heddle.stop());

  describe('by a function, which only the thread can call', () => {
    it('runs the first, cancels the second without a run, and lets the first run once more often', async () => {
      const first = await heddle.submit('once-per-key', { key: 'a', ms: 1200 });
      await waitFor('its key', async () => (await heddle.task(first)).unique_key);
      const before = (await heddle.task(first)).max_retries;
      const second = await heddle.finished(await heddle.submit('once-per-key', { key: 'a', ms: 5 }));
      assert.deepEqual([second.status, second.attempt], ['cancelled', 0]);
      assert.equal(second.error, `task ${first} does the same and is not finished`);
      const done = await heddle.finished(first);
      assert.deepEqual([done.status, done.result, done.unique_key], ['completed', 'a', 'a']);
      assert.equal(done.max_retries, before + 1);
    });

    it('frees the key when the task has ended', async () => {
      for (let round = 0; round < 3; round++) {
        const id = await heddle.submit('once-per-key', { key: 'b', ms: 0 });
        assert.equal((await heddle.finished(id)).status, 'completed');
      }
    });

    it('lets one of several simultaneous ones run, and different keys beside each other', async () => {
      const params = ['c', 'd', 'c', 'd', 'c', 'd'].map((key) => ({ key, ms: 300 }));
      const ids = await heddle.submitAll('once-per-key', params);
      const tasks = await Promise.all(ids.map((id) => heddle.finished(id)));
      const completed = tasks.filter(({ status }) => status === 'completed');
      assert.ok(completed.length >= 2);
      assert.deepEqual(new Set(completed.map(({ result }) => result)), new Set(['c', 'd']));
      for (const key of ['c', 'd']) {
        const same = completed.filter(({ result }) => result === key).map(({ id }) => id);
        const said = heddle.logLines.filter(({ task_id }) => same.includes(String(task_id)));
        const inTurn = same.flatMap(() => ['begins', 'ends']);
        assert.deepEqual(
          said.map(({ msg }) => msg),
          inTurn,
          'two with the same key at once',
        );
      }
    });
  });

  describe('by payload', () => {
    it('makes equal params one task, in whatever order their keys are', async () => {
      const [first, again, other] = await heddle.submitAll('once-per-payload', [
        { a: 1, b: [1, { c: 2, d: 3 }] },
        { b: [1, { d: 3, c: 2 }], a: 1.0 },
        { a: 2, b: [] },
      ]);
      assert.equal(again, first);
      assert.notEqual(other, first);
      assert.equal((await heddle.finished(first as string)).max_retries, 4);
    });

    it('makes fifty simultaneous submissions one task', async () => {
      const params = { a: 50, b: [] };
      const ids = await Promise.all(
        Array.from({ length: 50 }, () => heddle.submit('once-per-payload', params, { delay_seconds: 3600 })),
      );
      assert.equal(new Set(ids).size, 1);
      await heddle.pool.query('update tasks set run_at = now() where id = $1', [ids[0]]);
      heddle.engine.wake();
      const task = await heddle.finished(ids[0] as string);
      assert.deepEqual([task.status, task.attempt, task.max_retries], ['completed', 1, 3 + 49]);
    });

    it('begins anew when the task has ended', async () => {
      const params = { a: 3, b: [] };
      const first = await heddle.submit('once-per-payload', params);
      await heddle.finished(first);
      assert.notEqual(await heddle.submit('once-per-payload', params), first);
    });
  });
});
