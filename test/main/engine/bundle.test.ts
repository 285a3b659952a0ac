import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BUNDLE_MS, bundleSize, FOLLOWING } from '../../../src/main/engine/bundle.ts';
import type { ClaimedTask } from '../../../src/main/engine/claimed-task.ts';
import { Pace } from '../../../src/main/engine/pace.ts';
import { BUNDLE_LIMIT } from '../../../src/workers/shared/control.ts';

const DURATIONS = { instant: 0.001, short: 1, middling: 50, slow: 5000 };
const pace = new Pace();
for (const [type, ms] of Object.entries(DURATIONS)) pace.note(type, ms);

const tasks = (type: string, count: number) => Array<ClaimedTask>(count).fill({ type } as ClaimedTask);

describe('a bundle', () => {
  it('is what a thread does in a moment, and never more than fit into it', () => {
    assert.equal(bundleSize(tasks('short', 100), 0, pace), BUNDLE_MS);
    assert.equal(bundleSize(tasks('instant', 100), 0, pace), BUNDLE_LIMIT);
  });

  it('is shared out among idle threads', () => {
    assert.equal(bundleSize(tasks('instant', 9), 2, pace), 3);
  });

  it('lets a few follow one that takes a while, unless another thread is idle', () => {
    assert.equal(bundleSize(tasks('middling', 100), 0, pace), 1 + FOLLOWING);
    assert.equal(bundleSize(tasks('middling', 2), 0, pace), 2);
    assert.equal(bundleSize(tasks('middling', 100), 1, pace), 1);
  });

  it('is one task that is slow, or of which nothing is known', () => {
    for (const type of ['slow', 'unknown']) {
      assert.equal(bundleSize([...tasks(type, 1), ...tasks('instant', 9)], 0, pace), 1);
      assert.equal(bundleSize([...tasks('instant', 9), ...tasks(type, 1)], 0, pace), 9);
    }
  });

  it('whatever is ready, has at least one task and at most its share, and lets nobody wait behind a slow one', () => {
    const type = fc.constantFrom(...Object.keys(DURATIONS), 'unknown');
    const ready = fc.array(type, { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(ready, fc.nat(10), (types, idle) => {
        const size = bundleSize(
          types.map((type) => ({ type }) as ClaimedTask),
          idle,
          pace,
        );
        assert.ok(size >= 1 && size <= Math.min(BUNDLE_LIMIT, Math.ceil(types.length / (idle + 1))));
        if (size > 1) assert.ok(types.slice(0, size).every((type) => pace.quickMs(type) !== null));
      }),
    );
  });
});
