import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { memoryLimitMb } from '../../src/main/engine/memory-limit.ts';
import { defaultSizes } from '../../src/main/sizes.ts';

describe('the sizes of a runner that was told none', () => {
  const cases: [cores: number, containerMb: number | undefined, threads: number, heapMb: number][] = [
    [1, undefined, 2, 512],
    [16, undefined, 16, 512],
    [2, 2048, 2, 512],
    [8, 2048, 6, 264],
    [4, 1024, 2, 332],
    [64, 16_384, 56, 258],
    [8, 512, 2, 102],
    [8, 128, 2, 64],
  ];
  for (const [cores, containerMb, threads, threadMaxHeapMb] of cases) {
    it(`are ${threads} threads of ${threadMaxHeapMb} MB with ${cores} cores and ${containerMb ?? 'unlimited'} MB`, () => {
      assert.deepEqual(defaultSizes(cores, containerMb), { threads, threadMaxHeapMb });
    });
  }

  it('fill no container that has room for two small threads', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 256 }),
        fc.integer({ min: 512, max: 2 ** 20 }),
        (cores, containerMb) => {
          const { threads, threadMaxHeapMb } = defaultSizes(cores, containerMb);
          assert.ok(threads >= 2 && threads <= Math.max(2, cores));
          // What the threads may have at most is what the watch of the memory allows them, too.
          assert.equal(memoryLimitMb(threads, threadMaxHeapMb, containerMb), threads * threadMaxHeapMb + 256);
        },
      ),
    );
  });
});
