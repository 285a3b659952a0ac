import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { everySeconds } from '../../src/workers/every.ts';

describe('an interval', () => {
  for (const [every, seconds] of [
    ['1 second', 1],
    ['30 seconds', 30],
    ['1.5 minutes', 90],
    ['  2  hours ', 7200],
    ['1 day', 86_400],
    ['366 days', 366 * 86_400],
  ] as const) {
    it(`'${every}' is ${seconds} s`, () => assert.equal(everySeconds(every), seconds));
  }

  for (const every of [
    '',
    '5',
    'seconds',
    '5 fortnights',
    '-5 seconds',
    '1e3 seconds',
    '5 Seconds',
    '5seconds',
  ])
    it(`'${every}' is not one`, () => assert.throws(() => everySeconds(every), /every must be a number of/));

  for (const every of ['0 seconds', '0.9 seconds', '367 days', `${'9'.repeat(400)} days`])
    it(`'${every.slice(0, 20)}' is too short or too long`, () =>
      assert.throws(() => everySeconds(every), /from a second to a year/));

  it('cannot be something else than text', () => {
    for (const odd of [undefined, null, 5, {}, []])
      assert.throws(() => everySeconds(odd as unknown as string), /every must be a number of/);
  });
});
