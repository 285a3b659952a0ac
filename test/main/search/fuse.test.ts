import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fuse } from '../../../src/main/search/fuse.ts';

describe('rankings become one', () => {
  it('by the sum of 1 / (60 + rank)', () => {
    const fused = fuse([
      ['a', 'b', 'c'],
      ['b', 'd'],
    ]);
    assert.deepEqual(fused, [
      { id: 'b', score: 1 / 62 + 1 / 61 },
      { id: 'a', score: 1 / 61 },
      { id: 'd', score: 1 / 62 },
      { id: 'c', score: 1 / 63 },
    ]);
  });

  it('of one ranking keeping its order', () => {
    const ids = Array.from({ length: 100 }, (_, at) => `${at}`);
    assert.deepEqual(
      fuse([ids]).map(({ id }) => id),
      ids,
    );
    assert.deepEqual(fuse([]), []);
  });
});
