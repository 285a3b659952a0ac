import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { availableMemoryMb, memoryLimitMb, threadsBudgetMb } from '../../../src/main/engine/memory-limit.ts';

const GIBIBYTE = 2 ** 30;

describe('the limit of a runner’s memory', () => {
  it('is a full heap for each thread and 256 MB for the rest', () => {
    assert.equal(memoryLimitMb(4, 512, 16_384), 2304);
    assert.equal(threadsBudgetMb(2304), 4 * 512);
  });

  it('is never more than 90 % of what there is', () => {
    assert.equal(memoryLimitMb(4, 512, 1000), 900);
  });

  it('leaves the threads half of it in a very small container', () => {
    assert.equal(threadsBudgetMb(230), 115);
  });

  it('knows the container’s memory, and the machine’s where there is no container', () => {
    assert.equal(availableMemoryMb(GIBIBYTE, 8 * GIBIBYTE), 1024);
    assert.equal(availableMemoryMb(0, 8 * GIBIBYTE), 8192);
    assert.equal(availableMemoryMb(18446744073709552000, 8 * GIBIBYTE), 8192);
  });
});
