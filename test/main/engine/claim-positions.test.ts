import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ClaimPositions } from '../../../src/main/engine/claim-positions.ts';
import { ClaimedTask } from '../../../src/main/engine/claimed-task.ts';

/* `now` and the like are milliseconds of a clock that stands still. */

describe('the positions of claims', () => {
  it('are those of claims from the front as long as these are quick for what they find', () => {
    const positions = new ClaimPositions(50);
    assert.equal(positions.isFromFront(0), true);
    positions.noteFromFront(49, 0, 0);
    assert.equal(positions.isFromFront(0), true);
    positions.noteFromFront(90, 1000, 0);
    assert.equal(positions.isFromFront(0), true);
  });

  it('leave a tenth of the time for slow ones, but never rest for long', () => {
    const positions = new ClaimPositions(50);
    positions.noteFromFront(100, 0, 1000);
    assert.deepEqual(
      [1000, 1899, 1900].map((now) => positions.isFromFront(now)),
      [false, false, true],
    );
    positions.noteFromFront(60_000, 0, 1000);
    assert.deepEqual(
      [5999, 6000].map((now) => positions.isFromFront(now)),
      [false, true],
    );
  });

  it('are everywhere in a type of which nothing was claimed', () => {
    assert.deepEqual(new ClaimPositions().probes({ type: 'any' }, 0), [{ low: -101, high: 101, age: null }]);
  });

  it('are, in a priority that is known, where the youngest was due; between those everywhere', () => {
    const positions = new ClaimPositions();
    positions.note([claimed('a', 5, 300), claimed('a', 5, 100), claimed('a', -5, 0), claimed('b', 1, 0)]);
    positions.note([claimed('a', 5, 200)]);
    assert.deepEqual(positions.probes({ type: 'a' }, 10_000), [
      { low: -101, high: -5, age: null },
      { low: -5, high: -5, age: 0.2 },
      { low: -5, high: 5, age: null },
      { low: 5, high: 5, age: 0.3 },
      { low: 5, high: 101, age: null },
    ]);
  });

  it('move on with the clock', () => {
    const positions = new ClaimPositions();
    positions.note([claimed('a', 0, 0)]);
    assert.equal(positions.probes({ type: 'a' }, 11_000)[1]?.age, 1.2);
  });
});

/** Claimed at 10,000. */
function claimed(type: string, priority: number, waitedMs: number): ClaimedTask {
  return new ClaimedTask(
    ['id', type, '{}', '1', 1, 3, 0, 0, null, null, null, null, false, null, priority, waitedMs],
    10_000,
  );
}
