import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readTraceparent, writeTraceparent } from '../../../src/workers/shared/traceparent.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

describe('traceparent', () => {
  it('is read as the W3C has it', () => {
    assert.deepEqual(readTraceparent(`00-${TRACE}-${SPAN}-01`), {
      traceId: TRACE,
      spanId: SPAN,
      traceFlags: 1,
    });
  });

  it('of a later version is read as far as it is known', () => {
    assert.equal(readTraceparent(`cc-${TRACE}-${SPAN}-00-what-the-future-will-be`)?.traceFlags, 0);
  });

  it('is not read where it is garbage', () => {
    const garbage = [
      undefined,
      null,
      '',
      'garbage',
      `00-${TRACE}-${SPAN}`,
      `00-${TRACE}-${SPAN}-1`,
      `00-${TRACE}-${SPAN}-01-more`,
      `cc-${TRACE}-${SPAN}-01.more`,
      `ff-${TRACE}-${SPAN}-01`,
      `00-${TRACE.toUpperCase()}-${SPAN}-01`,
      `00-${'0'.repeat(32)}-${SPAN}-01`,
      `00-${TRACE}-${'0'.repeat(16)}-01`,
      `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
      ` 00-${TRACE}-${SPAN}-01`,
    ];
    for (const header of garbage) assert.equal(readTraceparent(header), null, String(header));
  });

  it('is the same when it is written and read again', () => {
    const digits = (count: number) =>
      fc
        .array(fc.constantFrom(...'0123456789abcdef'), { minLength: count, maxLength: count })
        .map((all) => all.join(''))
        .filter((text) => /[^0]/.test(text));
    const parent = fc.record(
      { traceId: digits(32), spanId: digits(16), traceFlags: fc.nat(255) },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(parent, (one) => assert.deepEqual(readTraceparent(writeTraceparent(one)), one)),
      { numRuns: 200 },
    );
  });
});
