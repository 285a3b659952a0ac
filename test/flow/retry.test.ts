import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { waitFor } from '../support/wait-for.ts';

describe('retrying', { concurrency: false }, () => {
  let heddle: TestEngine;
  before(async () => {
    heddle = await startTestEngine({ threads: 2 });
  });
  after(() => heddle.stop());

  it('waits ten minutes, unless the type says otherwise, and shows the error meanwhile', async () => {
    const id = await heddle.submit('fail-by-default');
    const task = await waitFor('the first attempt', async () => {
      const now = await heddle.task(id);
      return now.error === null ? null : now;
    });
    assert.deepEqual([task.status, task.error, task.attempt], ['queued', 'by default', 1]);
    assert.deepEqual([task.max_retries, task.started_at, task.finished_at], [3, null, null]);
    const waits = (Number(task.run_at) - Number(task.updated_at)) / 1000;
    assert.ok(Math.abs(waits - 600) < 1, `it waits ${waits} s`);
    assert.ok(task.last_run_at !== null);
  });

  it('runs on time, and in growing intervals if the type says so, until the retries are used up', async () => {
    const id = await heddle.submit('fail-exponentially');
    const task = await heddle.finished(id);
    assert.deepEqual([task.status, task.error, task.attempt], ['failed', 'attempt 4 failed', 4]);
    const attempts = await heddle.attempts(id);
    assert.deepEqual(
      attempts.map(({ outcome, status_after }) => [outcome, status_after]),
      [
        ['failed', 'queued'],
        ['failed', 'queued'],
        ['failed', 'queued'],
        ['failed', 'failed'],
      ],
    );
    // 0.1 s, 0.2 s, 0.4 s, of which jitter takes up to half.
    for (const [at, most] of [100, 200, 400].entries()) {
      const gap = Number(attempts[at + 1]?.started_at) - Number(attempts[at]?.finished_at);
      assert.ok(gap >= most / 2 - 5 && gap < most + 500, `retry ${at + 1} came after ${gap} ms`);
    }
  });

  it('comes at once when it need not cool down, without waiting for a poll', async () => {
    const id = await heddle.submit('fail-after', { ms: 0 }, { max_retries: 3 });
    const task = await heddle.finished(id);
    assert.equal(task.attempt, 4);
    const took = Number(task.finished_at) - Number(task.created_at);
    assert.ok(took < 1500, `four attempts took ${took} ms`);
  });

  it('does not come after a PermanentError', async () => {
    const id = await heddle.submit('throw-anything', { what: 'permanent' }, { max_retries: 5 });
    const task = await heddle.finished(id);
    assert.deepEqual([task.status, task.error, task.attempt], ['failed', 'never again', 1]);
    assert.deepEqual(
      (await heddle.attempts(id)).map(({ outcome }) => outcome),
      ['invalid'],
    );
  });

  it('is not used up by RetryAfter, which comes on time', async () => {
    const id = await heddle.submit('throw-anything', { what: 'snooze' });
    const task = await heddle.finished(id);
    assert.deepEqual([task.status, task.attempt, task.max_retries], ['completed', 1, 0]);
    const [attempt, ...others] = await heddle.attempts(id);
    assert.equal(attempt?.outcome, 'snoozed');
    assert.deepEqual(others, []);
    const gap = Number(task.started_at) - Number(attempt?.finished_at);
    assert.ok(gap >= 690 && gap < 1500, `it slept ${gap} ms`);
  });

  it('does not come for params that only the thread can refuse: the task fails at once, readably', async () => {
    const id = await heddle.submit('refine', { from: 2, to: 1 });
    const task = await heddle.finished(id);
    assert.deepEqual([task.status, task.attempt], ['failed', 1]);
    assert.equal(task.error, 'to: must not be before from');
    const [attempt] = await heddle.attempts(id);
    assert.deepEqual([attempt?.outcome, attempt?.error?.name], ['invalid', 'InvalidParams']);
  });

  it('gives the task its validated payload', async () => {
    const id = await heddle.submit('refine', { from: 1, to: 2 });
    assert.deepEqual((await heddle.finished(id)).result, { from: 1, to: 2, step: 1 });
  });

  it('comes for a result that is not what the type declares', async () => {
    const id = await heddle.submit('refine', { from: 1, to: 2, step: -1 }, { max_retries: 0 });
    const task = await heddle.finished(id);
    assert.deepEqual([task.status, task.result], ['failed', null]);
    assert.equal(task.error, 'the result is not what the task type declares: step: must be positive');
    const [attempt] = await heddle.attempts(id);
    assert.deepEqual([attempt?.outcome, attempt?.error?.name], ['failed', 'TypeError']);
  });
});
