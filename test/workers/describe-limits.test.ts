import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { DatabaseTaskDefinition } from '../../src/workers/define-task.ts';
import { describeLimits } from '../../src/workers/describe-limits.ts';

describe('the limits of a task file', () => {
  it('are described with what they leave out', () => {
    const key = () => 'k';
    assert.equal(limitsOf({}), null);
    assert.deepEqual(limitsOf({ maxConcurrent: 3 }), {
      maxConcurrent: 3,
      maxConcurrentPerKey: null,
      rate: null,
    });
    assert.equal(limitsOf({ concurrencyKey: key })?.maxConcurrentPerKey, 1);
    assert.equal(limitsOf({ concurrencyKey: key, maxConcurrentPerKey: 4 })?.maxConcurrentPerKey, 4);
    assert.deepEqual(limitsOf({ rateLimit: { count: 5, perSeconds: 0.5 } })?.rate, {
      count: 5,
      perSeconds: 0.5,
      keyed: false,
    });
    assert.equal(limitsOf({ rateLimit: { count: 5, perSeconds: 60, key } })?.rate?.keyed, true);
  });

  it('are refused by name when they make no sense', () => {
    const absurd = fc.oneof(
      fc.constantFrom(0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1.5, 1_000_001, null, '3', {}, true),
      fc.integer({ max: 0 }),
    );
    const concurrencyKey = () => 'k';
    const options: Record<string, (value: unknown) => object> = {
      maxConcurrent: (value) => ({ maxConcurrent: value }),
      maxConcurrentPerKey: (value) => ({ concurrencyKey, maxConcurrentPerKey: value }),
      'rateLimit.count': (value) => ({ rateLimit: { count: value, perSeconds: 1 } }),
    };
    for (const [name, definition] of Object.entries(options))
      fc.assert(
        fc.property(absurd, (value) => {
          assert.throws(
            () => limitsOf(definition(value)),
            new RegExp(`^Error: ${name} must be a whole number`),
          );
        }),
      );
    for (const perSeconds of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e-9, 1e9, '1', null, undefined])
      assert.throws(
        () => limitsOf({ rateLimit: { count: 1, perSeconds } }),
        /^Error: rateLimit.perSeconds must be a number from/,
      );
  });

  it('are refused when they are not of the right kind, or miss what they need', () => {
    const wrong: [object, RegExp][] = [
      [{ concurrencyKey: 'tenant' }, /concurrencyKey must be a function of the payload/],
      [{ rateLimit: { count: 1, perSeconds: 1, key: 'tenant' } }, /rateLimit.key must be a function/],
      [{ rateLimit: 5 }, /rateLimit must be an object with count and perSeconds/],
      [{ rateLimit: null }, /rateLimit must be an object with count and perSeconds/],
      [{ rateLimit: { perSeconds: 1 } }, /rateLimit.count must be a whole number/],
      [{ maxConcurrentPerKey: 2 }, /maxConcurrentPerKey needs a concurrencyKey/],
    ];
    for (const [definition, reason] of wrong) assert.throws(() => limitsOf(definition), reason);
  });
});

/** What a task file of JavaScript may say: anything. */
function limitsOf(definition: object) {
  return describeLimits(definition as DatabaseTaskDefinition);
}
