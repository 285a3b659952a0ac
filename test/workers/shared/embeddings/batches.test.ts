import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { batchesOf } from '../../../../src/workers/shared/embeddings/batches.ts';

it('batches hold all in their order, and no more than they may, but for one that is longer by itself', () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 100 });
  fc.assert(
    fc.property(
      lengths,
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 1, max: 100 }),
      (all, texts, characters) => {
        const items = all.map((length, at) => ({ at, text: 'x'.repeat(length) }));
        const batches = [...batchesOf(items, { texts, characters })];
        assert.deepEqual(batches.flat(), items);
        for (const batch of batches) {
          const held = batch.reduce((sum, { text }) => sum + text.length, 0);
          assert.ok(batch.length >= 1 && batch.length <= texts);
          assert.ok(batch.length === 1 || held <= characters);
        }
      },
    ),
  );
});
