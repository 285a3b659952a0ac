import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, beforeEach, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { HeapWatch } from '../../../src/main/engine/heap-watch.ts';
import { ThreadInspector } from '../../../src/main/engine/thread-inspector.ts';
import { waitFor } from '../../support/wait-for.ts';

/* A real thread, which holds some 30 MB in its heap and never looks up. */

const HOLD = `
const { parentPort } = require('node:worker_threads');
globalThis.held = Array.from({ length: 4e6 }, (_, index) => index);
parentPort.postMessage('full');
for (;;);`;
const HELD_MB = 30;

class CountingInspector extends ThreadInspector {
  asked = 0;

  override ask<T extends object>(threadId: number, method: string, params?: object): Promise<T | null> {
    this.asked++;
    return super.ask<T>(threadId, method, params);
  }
}

let inspector: CountingInspector;
let worker: Worker;
let over: number[];
beforeEach(async () => {
  over = [];
  inspector = new CountingInspector();
  inspector.start();
  worker = new Worker(HOLD, { eval: true });
  await once(worker, 'message');
});
afterEach(async () => {
  await worker.terminate();
  inspector.stop();
});

test('a heap over its limit is found in a thread that never looks up', async () => {
  const watch = watchWith(HELD_MB / 2);
  await waitFor('the heap to be found', () => {
    watch.look(process.memoryUsage.rss());
    return over.includes(worker.threadId);
  });
});

test('a heap under its limit is not, and is looked at again and again while the process has more than that', async () => {
  const watch = watchWith(HELD_MB * 3);
  await waitFor('five looks', () => {
    watch.look(HELD_MB * 3 * 2 ** 20 + 1);
    return inspector.asked >= 5;
  });
  assert.deepEqual(over, []);
});

test('while the process has less than a heap may have, threads are asked once a second', async () => {
  const watch = watchWith(HELD_MB / 2);
  const startedAt = performance.now();
  let looks = 0;
  await waitFor('two looks that ask', () => {
    looks++;
    watch.look(1);
    return over.length >= 2; // Each asks, too, what is left after a collection of garbage.
  });
  assert.ok(performance.now() - startedAt >= 1000);
  assert.ok(looks > 2);
});

function watchWith(limitMb: number): HeapWatch {
  return new HeapWatch(
    inspector,
    limitMb,
    () => [worker.threadId],
    (threadId) => over.push(threadId),
  );
}
