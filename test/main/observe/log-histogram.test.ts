import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LogHistogram, percentileOf } from '../../../src/main/observe/log-histogram.ts';

const of = (...durations: number[]): LogHistogram => {
  const histogram = new LogHistogram();
  for (const each of durations) histogram.add(each);
  return histogram;
};

const percentile = (histogram: LogHistogram, share: number): number | null => {
  const counts = Object.entries(histogram.counts()).map(
    ([bucket, count]) => [Number(bucket), count] as const,
  );
  return percentileOf(new Map(counts), share);
};

describe('a histogram of durations', () => {
  it('knows every percentile to 5 %, from 10 microseconds to 90 days', () => {
    const duration = fc.double({ min: 0.01, max: 90 * 86_400_000, noNaN: true });
    fc.assert(
      fc.property(fc.array(duration, { minLength: 1, maxLength: 200 }), (durations) => {
        const sorted = durations.toSorted((a, b) => a - b);
        for (const share of [0.5, 0.95, 0.99, 1]) {
          const exact = sorted[Math.ceil(sorted.length * share) - 1] as number;
          const known = percentile(of(...durations), share) as number;
          assert.ok(Math.abs(known / exact - 1) < 0.05, `${known} for ${exact}`);
        }
      }),
    );
  });

  it('has no percentile of nothing', () => {
    assert.equal(percentile(of(), 0.5), null);
  });

  it('counts what is too short, negative or too long as the shortest and the longest', () => {
    const histogram = of(0, -5, 1e15);
    assert.equal(histogram.total, 3);
    assert.ok((percentile(histogram, 0.5) as number) < 0.01);
    assert.ok((percentile(histogram, 1) as number) > 90 * 86_400_000);
  });

  it('knows how many were below each power of two', () => {
    assert.deepEqual(of(0.5, 1, 1.5, 2, 3, 4, 1000).below(0, 3), [1, 3, 5, 6]);
    assert.equal(of(1, 2, 3.5).sumMs, 6.5);
  });
});
