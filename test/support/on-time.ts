import assert from 'node:assert/strict';

/**
 * Asserts that what comes every second comes within 100 ms of its time. A machine that stands still for a moment makes
 * one or the other later than that, but not most of them, and none as late as the next one.
 * @param late in milliseconds
 */
export function assertOnTime(late: readonly number[]): void {
  const sorted = late.toSorted((a, b) => a - b);
  const message = `${sorted.join(', ')} ms late`;
  assert.ok(
    sorted.every((ms) => ms >= 0 && ms < 1000),
    message,
  );
  assert.ok((sorted[Math.floor(sorted.length / 2)] as number) <= 100, message);
}
