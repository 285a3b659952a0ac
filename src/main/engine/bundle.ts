import { BUNDLE_LIMIT } from '../../workers/shared/control.ts';
import type { ClaimedTask } from './claimed-task.ts';
import type { Pace } from './pace.ts';

/**
 * How many of the ready tasks go to a thread together: the next one, and after it as many quick ones as a thread does in
 * a moment, shared out among idle threads. When no other thread is idle, a few follow in any case: so the thread goes on
 * while the main thread, which has to get a core first, hears of an end and settles it.
 * @param idle how many threads are idle beside that one
 */
export function bundleSize(ready: readonly ClaimedTask[], idle: number, pace: Pace): number {
  const share = Math.ceil(ready.length / (idle + 1));
  const most = Math.min(BUNDLE_LIMIT, share);
  let expectedMs = 0;
  let count = 0;
  while (count < most) {
    const quickMs = pace.quickMs((ready[count] as ClaimedTask).type);
    if (quickMs === null && count > 0) break;
    count++;
    expectedMs += quickMs ?? Number.POSITIVE_INFINITY;
    if (expectedMs >= BUNDLE_MS && (idle > 0 || quickMs === null || count > FOLLOWING)) break;
  }
  return count;
}

/** How much expected work travels in one message. */
export const BUNDLE_MS = 3;

/** How many quick tasks follow in any case. */
export const FOLLOWING = 2;
