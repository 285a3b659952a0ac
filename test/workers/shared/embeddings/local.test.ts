import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { embedderOf } from '../../../../src/workers/shared/embeddings/embedder.ts';
import { toSignBits } from '../../../../src/workers/shared/embeddings/vectors.ts';

const embedder = embedderOf({ kind: 'local' });

describe('the local embedder', () => {
  it('makes of any text a vector of length 1, or of none of its letters zero', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
        const vector = await embed(text);
        const length = Math.hypot(...vector);
        assert.equal(vector.length, 384);
        assert.ok(length === 0 ? !/[\p{L}\p{N}]/u.test(text) : Math.abs(length - 1) < 1e-5, `${length}`);
        assert.match(toSignBits(vector), /^[01]{384}$/);
      }),
      { numRuns: 300 },
    );
  });

  it('finds texts near each other that have words, or parts of words, in common', async () => {
    const pairs: [string, string, string][] = [
      ['How do I install a package?', 'To install packages, use the package manager.', 'The kernel is in C.'],
      ['database deployment', 'We deployed the databases', 'A walk in the park'],
      ['部署失败', '系统部署失败了', '今天天气很好'],
      ['データベース', 'データベースに接続できません', '今日は雨です'],
    ];
    for (const [anchor, near, far] of pairs)
      assert.ok((await similarity(anchor, near)) > 0.05 + (await similarity(anchor, far)), anchor);
  });

  it('is honest about knowing no synonyms', async () => {
    assert.equal(embedder.model, 'local-hash-384');
    assert.ok((await similarity('automobile', 'car')) < 0.2);
  });

  it('makes the same of the same', async () => {
    assert.deepEqual(await embed('the same'), await embed('the same'));
  });
});

async function embed(text: string): Promise<Float32Array> {
  const [vector] = await embedder.embed([text], { timeoutMs: 1 });
  return vector as Float32Array;
}

async function similarity(one: string, other: string): Promise<number> {
  const [a, b] = [await embed(one), await embed(other)];
  return a.reduce((sum, value, at) => sum + value * (b[at] as number), 0);
}
