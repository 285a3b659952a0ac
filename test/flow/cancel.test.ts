import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { cancelByHand, runByHand } from '../../src/main/engine/by-hand.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';

const GRACE_MS = 600;

describe('cancelling', { concurrency: false }, () => {
  let heddle: TestEngine;
  before(async () => {
    heddle = await startTestEngine({ threads: 2, killGraceMs: GRACE_MS });
  });
  after(() => heddle.stop());

  it('ends a waiting task at once, which then never runs', async () => {
    const id = await heddle.submit('no-op', {}, { delay_seconds: 0.3 });
    assert.deepEqual(await cancelByHand(heddle.pool, [id], 'test'), [id]);
    const task = await heddle.task(id);
    assert.deepEqual([task.status, task.attempt, task.error], ['cancelled', 0, 'cancelled by test']);
    const later = await heddle.submit('no-op', {}, { delay_seconds: 0.35 });
    await heddle.finished(later);
    assert.equal((await heddle.task(id)).attempt, 0);
  });

  it('aborts the signal of a running attempt, which may end by itself', async () => {
    const { task, tookMs } = await cancelRunning({ ms: 20_000, heedSignal: true });
    assert.deepEqual([task.status, task.attempt], ['cancelled', 1]);
    assert.deepEqual(heddle.events.of('thread_killed'), [], `after ${tookMs} ms`);
    assert.deepEqual(
      (await heddle.attempts(task.id)).map(({ outcome, status_after }) => [outcome, status_after]),
      [['cancelled', 'cancelled']],
    );
  });

  it('kills an attempt that does not listen, a grace period later', async () => {
    const { task, tookMs } = await cancelRunning({ ms: 20_000 });
    assert.deepEqual([task.status, task.error], ['cancelled', 'cancelled while it was running']);
    assert.ok(tookMs >= GRACE_MS - 5 && tookMs < GRACE_MS + 1500, `it took ${tookMs} ms`);
    const killed = await heddle.events.next('thread_killed', ({ thread_id }) => thread_id === task.thread_id);
    assert.equal(killed.reason, 'cancelled');
  });

  it('is noticed without a notification', async () => {
    const id = await heddle.submit('wait', { ms: 20_000, heedSignal: true });
    await heddle.speaks(id);
    await cancelByHand(heddle.pool, [id], 'test');
    assert.equal((await heddle.finished(id, 3000)).status, 'cancelled');
  });

  it('reaches a task that was claimed and waits for a thread, without using up an attempt', async () => {
    const fillers = await heddle.submitAll('wait', [{ ms: 1000 }, { ms: 1000 }]);
    for (const id of fillers) await heddle.reaches(id, 'running');
    const id = await heddle.submit('wait', { ms: 1 });
    await cancelByHand(heddle.pool, [id], 'test');
    heddle.engine.cancel(id);
    const task = await heddle.finished(id);
    assert.deepEqual([task.status, task.attempt], ['cancelled', 0]);
    for (const filler of fillers) await heddle.finished(filler);
  });

  it('does not stop somebody from running the task anew', async () => {
    const { task } = await cancelRunning({ ms: 500, heedSignal: true });
    await runByHand(heddle.pool, [task.id], 'test');
    heddle.engine.wake();
    const again = await heddle.finished(task.id);
    assert.deepEqual([again.status, again.result, again.error], ['completed', 'waited', null]);
    assert.deepEqual([again.attempt, again.cancel_requested_at], [2, null]);
  });

  it('while its file is loading for the first time in the thread is heard, too', async () => {
    const id = await heddle.submit('load-slowly', {});
    await heddle.begins(id);
    await cancelByHand(heddle.pool, [id], 'test');
    heddle.engine.cancel(id);
    const task = await heddle.finished(id);
    assert.equal(task.status, 'cancelled');
    assert.deepEqual(
      (await heddle.attempts(id)).map(({ error }) => error?.message),
      ['cancelled while it was running'],
    );
    assert.deepEqual(
      heddle.events.of('thread_killed').filter(({ thread_id }) => thread_id === task.thread_id),
      [],
      'it did not begin, and nothing had to be killed',
    );
  });

  async function cancelRunning(params: { ms: number; heedSignal?: boolean }) {
    const id = await heddle.submit('wait', params);
    await heddle.speaks(id);
    await cancelByHand(heddle.pool, [id], 'test');
    const asked = performance.now();
    heddle.engine.cancel(id);
    const task = await heddle.finished(id);
    return { task, tookMs: performance.now() - asked };
  }
});
