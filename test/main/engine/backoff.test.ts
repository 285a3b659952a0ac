import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { retryDelaySeconds } from '../../../src/main/engine/backoff.ts';

const steady = {
  strategy: 'exponential',
  seconds: 2,
  factor: 3,
  maxSeconds: 100,
  jitter: false,
} as const;

describe('the delay of a retry', () => {
  it('is always the same with a cooldown', () => {
    for (const tries of [1, 2, 50])
      assert.equal(retryDelaySeconds({ strategy: 'cooldown', seconds: 600 }, tries, 0.5), 600);
  });

  it('grows by the factor up to the most', () => {
    const delays = [1, 2, 3, 4, 5, 5000].map((tries) => retryDelaySeconds(steady, tries, 0.5));
    assert.deepEqual(delays, [2, 6, 18, 54, 100, 100]);
  });

  it('loses up to half of it by jitter', () => {
    const jittery = { ...steady, jitter: true };
    assert.equal(retryDelaySeconds(jittery, 2, 0), 6);
    assert.equal(retryDelaySeconds(jittery, 2, 0.5), 4.5);
    assert.ok(retryDelaySeconds(jittery, 2, 0.999_999) > 3);
  });

  it('never shrinks as tries grow, and is nothing for nothing, however many tries', () => {
    const tries = fc.integer({ min: 1, max: 5000 });
    fc.assert(
      fc.property(tries, tries, fc.double({ min: 1, max: 100, noNaN: true }), (one, other, factor) => {
        const [less, more] = [Math.min(one, other), Math.max(one, other)];
        const policy = { ...steady, factor };
        assert.ok(retryDelaySeconds(policy, less, 0) <= retryDelaySeconds(policy, more, 0));
        assert.equal(retryDelaySeconds({ ...policy, seconds: 0 }, more, 0), 0);
      }),
    );
  });
});
