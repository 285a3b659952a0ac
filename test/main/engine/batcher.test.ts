import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Batcher } from '../../../src/main/engine/batcher.ts';
import { waitFor } from '../../support/wait-for.ts';

/** A writer whose writes end when they are told to. */
function batcherWith(limit: number) {
  const batches: number[][] = [];
  const ends: (() => void)[] = [];
  const batcher = new Batcher<number>(limit, (items) => {
    batches.push(items);
    return new Promise((resolve) => ends.push(resolve));
  });
  return { batcher, batches, finishOne: () => ends.shift()?.() };
}

describe('a batcher', () => {
  it('writes a lone item without waiting for others', async () => {
    const { batcher, batches } = batcherWith(10);
    batcher.add(1);
    await waitFor('the write', () => batches.length === 1);
    assert.deepEqual(batches, [[1]]);
  });

  it('gathers what arrives during a write, keeps the order and the limit, and writes one at a time', async () => {
    const { batcher, batches, finishOne } = batcherWith(3);
    batcher.add(1);
    await waitFor('the first write', () => batches.length === 1);
    for (const item of [2, 3, 4, 5]) batcher.add(item);
    assert.equal(batcher.waiting, 4);
    finishOne();
    await waitFor('the second write', () => batches.length === 2);
    finishOne();
    await waitFor('the third write', () => batches.length === 3);
    assert.deepEqual(batches, [[1], [2, 3, 4], [5]]);
  });

  it('tells when what was added so far is written, and does not wait for what comes after', async () => {
    const { batcher, batches, finishOne } = batcherWith(1);
    await batcher.written();
    batcher.add(1);
    batcher.add(2);
    let told = false;
    const written = batcher.written().then(() => {
      told = true;
    });
    batcher.add(3);
    for (const count of [1, 2]) {
      await waitFor(`write ${count}`, () => batches.length === count);
      assert.equal(told, false);
      finishOne();
    }
    await written;
    await waitFor('the last write', () => batches.length === 3);
  });
});
