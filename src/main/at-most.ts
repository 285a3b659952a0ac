import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for something, but no longer than so many milliseconds: for farewells, which the other side may never hear. */
export async function atMost(milliseconds: number, work: Promise<unknown>): Promise<void> {
  await Promise.race([work, sleep(milliseconds, undefined, { ref: false })]);
}
