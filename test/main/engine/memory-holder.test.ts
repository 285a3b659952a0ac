import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findHolder, type Reading } from '../../../src/main/engine/memory-holder.ts';

/** A budget of 300 is a share of 100 for each of three. */
const BUDGET = 300;

describe('the thread to take memory from', () => {
  it('is none when all together hold no more than they may: the memory is elsewhere', () => {
    assert.equal(findHolder([], BUDGET), null);
    assert.equal(findHolder([busy(1, 290, 280), busy(2, 5, 0), idle(3, 5)], BUDGET), null);
  });

  it('is an idle one that has more than its share, before any attempt', () => {
    assert.deepEqual(findHolder([busy(1, 900, 890), idle(2, 110), idle(3, 120)], BUDGET), {
      threadId: 3,
      heldBytes: 120,
      byAttempt: false,
    });
  });

  it('is the one whose attempt has grown most, not the one that holds most', () => {
    assert.deepEqual(findHolder([busy(1, 400, 1), busy(2, 200, 190), idle(3, 5)], BUDGET), {
      threadId: 2,
      heldBytes: 200,
      byAttempt: true,
    });
  });

  it('is the one that holds most when no attempt has grown by more than a share', () => {
    assert.deepEqual(findHolder([busy(1, 250, 90), busy(2, 240, 95), idle(3, 5)], BUDGET), {
      threadId: 1,
      heldBytes: 250,
      byAttempt: false,
    });
  });

  it('is never one that has no more than its share', () => {
    assert.equal(findHolder([busy(1, 350, 20), busy(2, 100, 100), idle(3, 100)], BUDGET)?.threadId, 1);
  });
});

function busy(threadId: number, heldBytes: number, grownBytes: number): Reading {
  return { threadId, heldBytes, grownBytes };
}

function idle(threadId: number, heldBytes: number): Reading {
  return { threadId, heldBytes, grownBytes: null };
}
