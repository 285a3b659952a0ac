import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TaskThread, ThreadDied } from '../../../src/main/engine/task-thread.ts';
import { ThreadPool } from '../../../src/main/engine/thread-pool.ts';
import { captureEvents } from '../../support/capture-events.ts';
import { threadOptionsFor } from '../../support/engine.ts';
import { waitFor } from '../../support/wait-for.ts';

/** Nothing here asks the database. */
const OPTIONS = threadOptionsFor('postgresql://nobody@127.0.0.1:9/nowhere');

describe('a thread that does not come up in time', () => {
  it('is ended, and the error says so', async () => {
    const starting = TaskThread.start({ ...OPTIONS, bootTimeoutMs: 1 });
    await assert.rejects(starting, (error: Error) => {
      assert.ok(error instanceof ThreadDied);
      assert.equal(error.message, 'a thread did not come up: it took longer than 1 ms');
      return true;
    });
  });

  it('is told of, and tried again until one comes up in its place', async () => {
    const options = { ...OPTIONS, bootTimeoutMs: 1 };
    const events = captureEvents();
    const pool = new ThreadPool(1, options, events.observe, () => {});
    void pool.start();
    const { reason } = await events.next('thread_boot_failed');
    assert.match(reason, /did not come up/);
    assert.deepEqual([pool.idle, pool.threads.length], [0, 0]);
    options.bootTimeoutMs = 20_000;
    await waitFor('a thread', () => pool.idle === 1, 20_000);
    await pool.stop(new Set());
    assert.deepEqual(events.of('thread_started').length, 1);
  });
});
