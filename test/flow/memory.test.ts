import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { waitFor } from '../support/wait-for.ts';

/*
 * The heaps stay small here: it is memory outside of them that fills the process. Of the limit 256 MB are for the
 * threads, which is 128 MB for each of two.
 */
describe('the memory of the process', { concurrency: false }, () => {
  let heddle: TestEngine;
  beforeEach(async () => {
    heddle = await startTestEngine({ threads: 2, maxHeapMb: 64, memoryLimitMb: LIMIT_MB });
  });
  afterEach(() => heddle.stop());

  it('is left to an attempt that takes much and stays under the limit', async () => {
    const [large, small] = await startBoth('hoard', { megabytes: 180, ms: 600 }, { megabytes: 20, ms: 600 });
    assert.deepEqual(
      [(await heddle.finished(large)).result, (await heddle.finished(small)).result],
      [180, 20],
    );
    assert.deepEqual(replacements(), []);
  });

  it('ends an attempt that takes it without end, and its neighbour finishes unharmed', async () => {
    // It holds more than its share, and the memory of the other comes back late.
    const neighbour = await heddle.submit('hoard', { megabytes: 140, ms: 1500 });
    await heddle.begins(neighbour);
    const bad = await heddle.finished(await heddle.submit('hoard', {}));
    assert.equal(bad.status, 'failed');
    assert.match(
      bad.error ?? '',
      /^ran out of memory \(the runner's memory grew to [\d,]+ MB of 512 MB; this attempt held [\d,]+ MB\)$/,
    );
    const event = await heddle.events.next('memory_exceeded', ({ thread_id }) => thread_id !== null);
    assert.deepEqual([event.thread_id, event.task_type, event.limit_mb], [bad.thread_id, 'hoard', LIMIT_MB]);
    assert.ok(event.rss_mb > LIMIT_MB && (event.held_mb ?? 0) > 128, JSON.stringify(event));
    assert.equal((await heddle.finished(neighbour)).result, 140);
    await waitFor('another thread', () => heddle.engine.state.threads.length === 2);
    assert.equal((await heddle.finished(await heddle.submit('no-op'))).status, 'completed');
    assert.equal(replacements().length, 1);
  });

  it('ends the attempt that has grown, and not one in a thread that holds more than its share from before', async () => {
    const earlier = await heddle.finished(await heddle.submit('hoard', { megabytes: 150, forGood: true }));
    const innocent = await startBoth('wait', { ms: 1500 }, { ms: 1500 });
    const threads = heddle.engine.state.threads;
    const elsewhere = threads.find(({ id }) => id !== earlier.thread_id)?.flight?.task.id as string;
    heddle.engine.cancel(elsewhere);
    const bad = await heddle.finished(await heddle.submit('hoard', {}));
    assert.notEqual(bad.thread_id, earlier.thread_id);
    assert.match(bad.error ?? '', /this attempt held/);
    for (const id of innocent.filter((one) => one !== elsewhere)) {
      const task = await heddle.finished(id);
      assert.deepEqual([task.result, task.thread_id], ['waited', earlier.thread_id]);
    }
  });

  it('is measured whatever the attempt does to the globals of its thread', async () => {
    const bad = await heddle.finished(await heddle.submit('hoard', { tamper: true }));
    assert.match(bad.error ?? '', /this attempt held/);
  });

  it('is taken from an idle thread first, which holds what an attempt has left: that is nobody’s failure', async (t) => {
    const directory = await temporaryDirectory();
    t.after(() => rm(directory, { recursive: true, force: true }));
    const file = join(directory, 'go on');
    const waiting = await heddle.submit('wait-until', { file });
    await heddle.begins(waiting);
    const left = await heddle.finished(await heddle.submit('hoard', { megabytes: 200, forGood: true }));
    await writeFile(file, '');
    await heddle.finished(waiting); // Its thread was used last: the next attempt runs there.
    const next = await heddle.finished(await heddle.submit('hoard', { megabytes: 220, ms: 1500 }));
    assert.deepEqual([left.status, next.status, next.error], ['completed', 'completed', null]);
    assert.notEqual(left.thread_id, next.thread_id);
    await waitFor('the replacement', () => replacements()[0]);
    const [replaced, ...more] = replacements();
    assert.deepEqual([replaced?.thread_id, replaced?.task_type, more], [left.thread_id, null, []]);
  });

  it('is taken between two attempts when many have left a little each: none of them fails', async () => {
    const many = Array.from({ length: 400 }, () => ({ megabytes: 2, forGood: true }));
    for (const id of await heddle.submitAll('hoard', many)) {
      const task = await heddle.finished(id);
      assert.deepEqual([task.status, task.error, task.attempt], ['completed', null, 1]);
    }
    assert.ok(replacements().length > 0);
  });

  it('is watched also while nothing runs', async () => {
    const left = await heddle.finished(await heddle.submit('hoard', { megabytes: 270, forGood: true }));
    const own = Buffer.alloc(LIMIT_MB * 2 ** 20, 1);
    const replaced = await heddle.events.next('memory_exceeded', ({ thread_id }) => thread_id !== null);
    assert.equal(replaced.thread_id, left.thread_id);
    await heddle.events.next('thread_started', ({ thread_id }) => thread_id > (left.thread_id ?? 0));
    assert.equal(own.length, LIMIT_MB * 2 ** 20);
  });

  it('that no thread is known to hold is complained of once, and kills nobody', async () => {
    const both = await startBoth(
      'hoard',
      { megabytes: 300, ms: 800, shared: true },
      { megabytes: 300, ms: 800, shared: true },
    );
    await heddle.events.next('memory_exceeded', ({ thread_id }) => thread_id === null);
    for (const id of both) assert.equal((await heddle.finished(id)).result, 300);
    assert.deepEqual(replacements(), []);
    assert.equal(heddle.events.of('memory_exceeded').length, 1);
  });

  async function startBoth(type: string, first: object, second: object): Promise<[string, string]> {
    const ids = (await heddle.submitAll(type, [first, second])) as [string, string];
    for (const id of ids) await heddle.begins(id);
    return ids;
  }

  function replacements() {
    return heddle.events.of('memory_exceeded').filter(({ thread_id }) => thread_id !== null);
  }
});

const LIMIT_MB = 512;
