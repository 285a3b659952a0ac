import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { storable, storableJson, toErrorRecord, toJson } from '../../src/workers/report.ts';

const anything = fc.anything({
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  withObjectString: true,
  withSparseArray: true,
  withTypedArray: true,
});
/** Strings with NUL and halves of surrogate pairs in them. */
const anyText = fc.string({ unit: fc.oneof(fc.string({ unit: 'binary', maxLength: 1 }), odd()) });

function odd() {
  return fc.constantFrom('\0', '\ud800', '\udfff', '\\u0000', '\\', 'a');
}

function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed() && !/(?<!\\)(\\\\)*\\u0000/.test(text);
}

describe('a result as JSON', () => {
  it('is JSON that PostgreSQL can hold, or a TypeError or RangeError, for anything', () => {
    fc.assert(
      fc.property(fc.oneof(anything, fc.object({ key: anyText, values: [anyText] })), (value) => {
        let json: string | null;
        try {
          ({ json } = toJson(value));
        } catch (error) {
          assert.ok(error instanceof TypeError || error instanceof RangeError, String(error));
          return;
        }
        if (json === null) return;
        assert.ok(isStorable(json), json);
        JSON.parse(json);
      }),
      { numRuns: 2000 },
    );
  });

  it('is what was returned, if that is JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const { json, repaired } = toJson(value);
        if (repaired) return;
        assert.equal(json, value === null ? null : JSON.stringify(value));
      }),
    );
  });

  it('is nothing for nothing', () => {
    for (const value of [undefined, null, { toJSON: () => undefined }])
      assert.deepEqual(toJson(value), { json: null, repaired: false });
  });

  it('names the place of what JSON would drop without a word', () => {
    assert.throws(() => toJson({ a: { callback: () => 1 } }), /^TypeError: 'callback' is a function/);
    assert.throws(() => toJson(Symbol('x')), /^TypeError: it is a symbol/);
  });

  it('keeps a backslash followed by u0000 as it is', () => {
    assert.deepEqual(toJson('\\u0000'), { json: '"\\\\u0000"', repaired: false });
  });

  it('keeps a key named __proto__', () => {
    const { text, repaired } = storableJson('{"__proto__":{"a":"\\u0000"}}');
    assert.deepEqual({ text, repaired }, { text: '{"__proto__":{"a":"\uFFFD"}}', repaired: true });
  });
});

describe('repairing text', () => {
  it('leaves nothing that PostgreSQL cannot hold, and says whether it did anything', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { value, repaired } = storable({ [text]: [text] });
        const [[key, [item] = []] = []] = Object.entries(value);
        assert.equal(key, item);
        assert.ok(!key?.includes('\0') && key?.isWellFormed());
        assert.equal(repaired, key !== text);
      }),
    );
  });
});

describe('a record of what was thrown', () => {
  it('is made of anything, and can be sent and stored', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anything,
          anyText,
          anyText.map((text) => new Error(text)),
        ),
        (thrown) => {
          const { name, message } = toErrorRecord(thrown);
          const json = JSON.stringify(toErrorRecord(thrown));
          assert.ok(isStorable(json));
          assert.equal(typeof name, 'string');
          assert.equal(typeof message, 'string');
          structuredClone(toErrorRecord(thrown));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('is made of what cannot even be looked at', () => {
    const hostile = new Proxy(
      {},
      {
        get() {
          throw new Error('no');
        },
        getPrototypeOf() {
          throw new Error('no');
        },
      },
    );
    assert.equal(toErrorRecord(hostile).message, 'something was thrown that cannot even be looked at');
    const error = new Error('x');
    Object.defineProperty(error, 'message', {
      get() {
        throw new Error('no');
      },
    });
    assert.equal(toErrorRecord(error).message, 'something was thrown that cannot even be looked at');
  });

  it('follows causes, though not for ever', () => {
    const error = new Error('a');
    error.cause = error;
    let depth = 0;
    for (let record = toErrorRecord(error); record.cause !== undefined; record = record.cause) depth++;
    assert.equal(depth, 5);
  });

  it('shortens what is huge, and says how long it was', () => {
    const { message, name, stack } = toErrorRecord(
      Object.assign(new Error('m'.repeat(1e6)), { name: 'n'.repeat(1e6) }),
    );
    assert.match(message, /^m{10000}… \(1000000 characters\)$/);
    assert.match(name, /^n{200}… /);
    assert.ok((stack?.length ?? 0) < 21_000);
  });

  it('has a message even if the error has none', () => {
    const error = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' });
    assert.equal(toErrorRecord(error).message, 'ECONNREFUSED');
    assert.equal(toErrorRecord(new RangeError()).message, 'RangeError');
  });

  it('knows an error of another realm', () => {
    assert.equal(toErrorRecord({ name: 'TypeError', message: 'elsewhere' }).name, 'TypeError');
  });
});
