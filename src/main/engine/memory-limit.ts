import { totalmem } from 'node:os';

/**
 * How much memory a runner's process may have, in megabytes: a full heap for each thread, which a thread may also
 * fill with Buffers, and what the rest of the process needs; but never so much that the kernel would kill it first.
 */
export function memoryLimitMb(threads: number, maxHeapMb: number, availableMb = availableMemoryMb()): number {
  return Math.min(threads * maxHeapMb + BASE_MB, usableMb(availableMb));
}

/** How much of what there is a process may have before the kernel would kill it, in megabytes. */
export function usableMb(availableMb: number): number {
  return Math.floor(0.9 * availableMb);
}

/** What of the limit is for the threads together, in megabytes. */
export function threadsBudgetMb(limitMb: number): number {
  // A container may be so small that next to nothing would be left: then half of it has to do for the rest.
  return Math.max(limitMb - BASE_MB, limitMb / 2);
}

/** The memory of the container, or else of the machine, in megabytes. */
export function availableMemoryMb(constrained?: number, total = totalmem()): number {
  return containerMemoryMb(constrained, total) ?? total / MEBIBYTE;
}

/**
 * The memory of the container, in megabytes, if it may have less than there is.
 * @param constrained as Node tells it: without a limit 0, or more than there is
 */
export function containerMemoryMb(
  constrained = process.constrainedMemory(),
  total = totalmem(),
): number | undefined {
  return constrained > 0 && constrained < total ? constrained / MEBIBYTE : undefined;
}

const MEBIBYTE = 2 ** 20;

/**
 * The main thread's heap, Node's code, and the code of the libraries in each thread: a runner with two threads has
 * 100 MB when it is idle. The rest is for what a heap grows until HeapWatch has seen it, and for the memory that
 * malloc keeps after it was freed.
 */
export const BASE_MB = 256;
