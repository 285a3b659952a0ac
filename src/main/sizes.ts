import { availableParallelism } from 'node:os';
import { BASE_MB, containerMemoryMb, usableMb } from './engine/memory-limit.ts';

/** What a runner takes when it is not told. */
export interface Sizes {
  threads: number;
  threadMaxHeapMb: number;
}

/**
 * One thread for each core, and a heap of 512 MB for each; in a container only as many, and such heaps, as its memory has
 * room for: otherwise a few large attempts at once would bring the whole runner to the kernel's out-of-memory killer.
 * @param containerMb the container's memory, if it is limited
 */
export function defaultSizes(
  cores: number = availableParallelism(),
  containerMb: number | undefined = containerMemoryMb(),
): Sizes {
  const wanted = Math.max(LEAST_THREADS, cores);
  if (containerMb === undefined) return { threads: wanted, threadMaxHeapMb: HEAP_MB };
  const roomMb = Math.max(0, usableMb(containerMb) - BASE_MB);
  const threads = Math.min(wanted, Math.max(LEAST_THREADS, Math.floor(roomMb / WORTHWHILE_HEAP_MB)));
  return {
    threads,
    threadMaxHeapMb: Math.min(HEAP_MB, Math.max(LEAST_HEAP_MB, Math.floor(roomMb / threads))),
  };
}

const LEAST_THREADS = 2;

const HEAP_MB = 512;

/** Rather fewer threads than such small heaps. */
const WORTHWHILE_HEAP_MB = 256;

/** A thread comes up with less, but its first larger task ends it. */
const LEAST_HEAP_MB = 64;
