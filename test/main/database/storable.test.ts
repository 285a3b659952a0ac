import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { unstorable } from '../../../src/main/database/storable.ts';

const pointers = (value: unknown) => unstorable(value).map((fault) => fault.pointer);

const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));

describe('what PostgreSQL cannot keep of a value', () => {
  it('is NUL characters and halves of surrogate pairs, in texts and keys', () => {
    assert.deepEqual(pointers('a\0'), ['']);
    assert.deepEqual(pointers({ a: ['x', '\ud800'], b: '😀', 'c\0': 1 }), ['/a/1', '/c\0']);
    assert.deepEqual(pointers({ 'a/b': { 'c~d': '\udc00x' } }), ['/a~1b/c~0d']);
  });

  it('is numbers beyond the range, which JSON would turn into null', () => {
    assert.deepEqual(pointers(JSON.parse('{"a":1e999,"b":[-1e999,1e308]}')), ['/a', '/b/0']);
    assert.deepEqual(pointers({ a: null, b: Number.NaN }), ['/b']);
  });

  it('is a value nested so deep that a stack would overflow', () => {
    assert.deepEqual(pointers(nested(128)), []);
    assert.deepEqual(pointers(nested(130)), ['']);
    assert.deepEqual(pointers(nested(400_000)), ['']);
  });

  it('is not what only looks like it', () => {
    assert.deepEqual(pointers(['\\u0000', '\\ud800', 'null', '\ufffd', '\u2028']), []);
    assert.deepEqual(pointers(undefined), []);
  });

  it('is nothing of any value without such text', () => {
    const json = fc.jsonValue({ stringUnit: 'grapheme' });
    fc.assert(
      fc.property(json, (value) => {
        fc.pre(!JSON.stringify(value).includes('\\u0000'));
        assert.deepEqual(unstorable(value), []);
      }),
    );
  });
});
