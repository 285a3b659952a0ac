import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { writeByHalves } from '../../../src/main/engine/halves.ts';

/** Takes what holds no bad item; of what does, it may have written some before it failed. */
function writerThatRefuses(bad: ReadonlySet<number>, keeps: (item: number) => boolean) {
  const written: number[] = [];
  const sizes: number[] = [];
  async function write(items: readonly number[]): Promise<readonly number[]> {
    sizes.push(items.length);
    const left = items.some((item) => bad.has(item))
      ? items.filter((item) => bad.has(item) || !keeps(item))
      : [];
    written.push(...items.filter((item) => !left.includes(item)));
    return left;
  }
  return { write, written, sizes };
}

const some = fc.uniqueArray(fc.nat(500), { maxLength: 200 });

test('what can be written is written once, and what cannot is returned, whichever items those are', async () => {
  await fc.assert(
    fc.asyncProperty(some, some, fc.func(fc.boolean()), async (items, unwanted, keeps) => {
      const bad = new Set(unwanted);
      const { write, written } = writerThatRefuses(bad, keeps);
      const left = await writeByHalves(items, write);
      const sorted = (list: number[]) => [...list].sort((a, b) => a - b);
      assert.deepEqual(sorted(left), sorted(items.filter((item) => bad.has(item))));
      assert.deepEqual(sorted(written), sorted(items.filter((item) => !bad.has(item))));
    }),
  );
});

test('one of a thousand is found in twenty writes or so, and the larger parts come first', async () => {
  const { write, sizes } = writerThatRefuses(new Set([333]), () => false);
  const items = Array.from({ length: 1000 }, (_, at) => at);
  assert.deepEqual(await writeByHalves(items, write), [333]);
  assert.ok(sizes.length <= 21, `it took ${sizes.length}`);
  assert.deepEqual(
    sizes,
    [...sizes].sort((a, b) => b - a),
  );
});
