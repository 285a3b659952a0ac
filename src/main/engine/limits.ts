import type { Limits } from '../../workers/protocol.ts';

/** Whether the type's own functions say what a task counts as. */
export function hasKeys({ maxConcurrentPerKey, rate }: Limits): boolean {
  return maxConcurrentPerKey !== null || rate?.keyed === true;
}

/** Whether only so many may run at once: the end of one makes room for another, on whichever runner. */
export function hasSlots({ maxConcurrent, maxConcurrentPerKey }: Limits): boolean {
  return maxConcurrent !== null || maxConcurrentPerKey !== null;
}
