import { totalmem } from 'node:os';

/**
 * How much memory a runner's process may have, in megabytes: a full heap for each thread, which a thread may also
 * fill with Buffers, and what the rest of the process needs; but never so much that the kernel would kill it first.
 */
export function memoryLimitMb(threads: number, maxHeapMb: number, availableMb = availableMemoryMb()): number {
  return Math.min(threads * maxHeapMb + BASE_MB, Math.floor(0.9 * availableMb));
}

/** What of the limit is for the threads together, in megabytes. */
export function threadsBudgetMb(limitMb: number): number {
  // A container may be so small that next to nothing would be left: then half of it has to do for the rest.
  return Math.max(limitMb - BASE_MB, limitMb / 2);
}

/**
 * The memory of the container, or else of the machine.
 * @param constrained as Node tells it: without a container 0, or more than there is
 */
export function availableMemoryMb(constrained = process.constrainedMemory(), total = totalmem()): number {
  return (constrained > 0 ? Math.min(constrained, total) : total) / 2 ** 20;
}

/**
 * The main thread's heap, Node's code, and the code of the libraries in each thread: a runner with two threads has
 * 100 MB when it is idle. The rest is for what a heap grows until HeapWatch has seen it, and for the memory that
 * malloc keeps after it was freed.
 */
const BASE_MB = 256;
