import { getHeapStatistics } from 'node:v8';
import { MEASURE } from './protocol.ts';

/** What this thread holds, in bytes: its heap, and what is outside of it on its behalf, such as Buffers. */
export function heldBytes(): number {
  const { used_heap_size, external_memory } = statistics();
  return used_heap_size + external_memory;
}

/**
 * Lets the main thread measure this one at any moment, through the inspector. What tasks do to `process` or `gc` must
 * not change that: so they are taken before any task is loaded, and the global cannot be replaced.
 */
export function showHeldMemory(): void {
  const collect = globalThis.gc;
  Object.defineProperty(globalThis, MEASURE, {
    value(collectFirst: boolean) {
      if (collectFirst) collect?.();
      return heldBytes();
    },
  });
}

/** A task could change what the module exports. */
const statistics = getHeapStatistics;
