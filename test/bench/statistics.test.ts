import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { median, medianRatio, percentile, slope, spread } from '../../bench/support/statistics.ts';

const values = fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 30 });

test('half of all values are at most the median, and half are at least that', () => {
  fc.assert(
    fc.property(values, (all) => {
      const middle = median(all);
      assert.ok(all.filter((value) => value <= middle).length * 2 >= all.length);
      assert.ok(all.filter((value) => value >= middle).length * 2 >= all.length);
    }),
  );
});

test('a percentile is one of the values, and no more than its share of them are above it', () => {
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (all, share) => {
      const found = percentile(all, share);
      assert.ok(all.includes(found));
      assert.ok(all.filter((value) => value > found).length <= (1 - share) * all.length + 1e-9);
    }),
  );
});

test('a ratio is that of the same rounds, so that what slows down both cancels out', () => {
  fc.assert(
    fc.property(values, fc.double({ min: 0.1, max: 10, noNaN: true }), (theirs, ratio) => {
      const ours = theirs.map((value) => value * ratio);
      assert.ok(Math.abs(medianRatio(ours, theirs) - ratio) < 1e-6 * ratio);
    }),
  );
});

test('a slope is that of the straight line through the points', () => {
  assert.equal(
    slope([
      [0, 10],
      [1, 12],
      [2, 14],
    ]),
    2,
  );
  assert.equal(
    slope([
      [0, 1],
      [1, 3],
      [2, 3],
      [3, 1],
    ]),
    0,
  );
});

test('a spread tells the median and the extremes, when there is more than one value', () => {
  assert.equal(spread([1234.4, 1000, 2000]), '1,234 (1,000-2,000)');
  assert.equal(spread([0.126], 2), '0.13');
});
