import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Rate, TokenBuckets } from '../../../../src/main/http/access/token-bucket.ts';

const rates = fc.record({
  count: fc.integer({ min: 1, max: 200 }),
  seconds: fc.integer({ min: 1, max: 120 }),
});
const pauses = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 5000, noNaN: true })), {
  maxLength: 400,
});
const start = fc.double({ min: 0, max: 1e9, noNaN: true });

/** A full bucket, and a clock that stands still unless it is moved. */
function bucketAt(rate: Rate, now: number, maxKeys?: number) {
  const time = { now };
  const buckets = new TokenBuckets(rate, {
    clock: () => time.now,
    ...(maxKeys !== undefined && { maxKeys }),
  });
  return { time, buckets };
}

/** The times at which something was taken, with such pauses between the attempts. */
function timesTaken(rate: Rate, now: number, between: readonly number[]): number[] {
  const { time, buckets } = bucketAt(rate, now);
  return between.flatMap((pause) => {
    time.now += pause;
    return buckets.take('key').allowed ? [time.now] : [];
  });
}

describe('a bucket', () => {
  it('gives its whole content at once, and nothing more', () => {
    fc.assert(
      fc.property(rates, start, (rate, now) => {
        const { buckets } = bucketAt(rate, now);
        for (let left = rate.count - 1; left >= 0; left--) {
          const { allowed, remaining, waitSeconds } = buckets.take('key');
          assert.deepEqual([allowed, remaining, waitSeconds === 0], [true, left, left > 0]);
        }
        const { allowed, remaining, waitSeconds } = buckets.take('key');
        assert.deepEqual([allowed, remaining], [false, 0]);
        assert.ok(waitSeconds >= 1 && waitSeconds <= rate.seconds);
      }),
    );
  });

  it('never gives more than its content and what has come back meanwhile', () => {
    fc.assert(
      fc.property(rates, start, pauses, (rate, now, between) => {
        const times = timesTaken(rate, now, between);
        for (const [first, from] of times.entries()) {
          for (let last = first; last < times.length; last++) {
            const seconds = ((times[last] ?? 0) - from) / 1000;
            const most = rate.count * (1 + seconds / rate.seconds);
            assert.ok(last - first + 1 <= most + 0.001, `${last - first + 1} in ${seconds} s`);
          }
        }
      }),
    );
  });

  it('gives what has come back meanwhile', () => {
    fc.assert(
      fc.property(rates, start, pauses, (rate, now, between) => {
        const { time, buckets } = bucketAt(rate, now);
        for (const pause of between) {
          const before = buckets.take('key');
          time.now += pause;
          const after = buckets.take('key');
          const back = (pause / 1000 / rate.seconds) * rate.count;
          assert.ok(after.remaining >= Math.min(rate.count, Math.floor(before.remaining + back - 0.001)) - 1);
        }
      }),
    );
  });

  it('has something again after the wait that it tells, and is full after the other one', () => {
    fc.assert(
      fc.property(rates, start, pauses, (rate, now, between) => {
        const { time, buckets } = bucketAt(rate, now);
        for (const pause of between) {
          time.now += pause;
          const taken = buckets.take('key');
          if (taken.allowed) continue;
          time.now += taken.waitSeconds * 1000;
          const next = buckets.take('key');
          assert.ok(next.allowed);
          time.now += next.fullInSeconds * 1000;
          assert.equal(buckets.take('key').remaining, rate.count - 1);
        }
      }),
    );
  });

  it('is not touched by an attempt in vain', () => {
    const { time, buckets } = bucketAt({ count: 1, seconds: 10 }, 0);
    assert.ok(buckets.take('key').allowed);
    for (time.now = 0; time.now < 9900; time.now += 100) assert.ok(!buckets.take('key').allowed);
    time.now = 10_000;
    assert.ok(buckets.take('key').allowed);
  });
});

describe('the buckets', () => {
  it('know nothing of each other', () => {
    const { buckets } = bucketAt({ count: 1, seconds: 10 }, 0);
    assert.ok(buckets.take('a').allowed);
    assert.ok(!buckets.take('a').allowed);
    assert.ok(buckets.take('b').allowed);
  });

  it('are forgotten when they are full again', () => {
    const { time, buckets } = bucketAt({ count: 2, seconds: 10 }, 0);
    for (let n = 0; n < 1000; n++) buckets.take(`key ${n}`);
    assert.equal(buckets.size, 1000);
    time.now = 10_000;
    buckets.take('another');
    assert.equal(buckets.size, 1);
  });

  it('are never more than they may be, and the last used ones stay', () => {
    const { buckets } = bucketAt({ count: 1, seconds: 3600 }, 0, 100);
    for (let n = 0; n < 10_000; n++) {
      buckets.take('often');
      buckets.take(`key ${n}`);
      assert.ok(buckets.size <= 100);
    }
    assert.ok(!buckets.take('often').allowed);
    assert.ok(!buckets.take('key 9999').allowed);
  });
});
