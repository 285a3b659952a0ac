import type { ThreadInspector } from './thread-inspector.ts';

/**
 * The limit that V8 gets for a thread whose heap may have so many megabytes: far more, because it is no guard. A
 * thread that meets it is granted 16 MB to come to its end, and an array or map that grows asks for more than that at
 * once: then V8 aborts the process, with every other thread in it. The limit that counts is HeapWatch's.
 */
export function v8LimitMb(maxHeapMb: number): number {
  return 3 * maxHeapMb + 256;
}

/** Why a thread had to die whose heap was too large. */
export function outOfMemory(maxHeapMb: number): string {
  return `ran out of memory (heap limit ${maxHeapMb} MB)`;
}

/** Finds threads whose heap is larger than it may be. Garbage that V8 has not collected yet does not count. */
export class HeapWatch {
  readonly #inspector: ThreadInspector;
  readonly #limitBytes: number;
  readonly #busy: () => readonly number[];
  readonly #onOver: (threadId: number) => void;
  /** Threads that have yet to answer. */
  readonly #asked = new Set<number>();
  #lookedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param busy ids of the threads to look at
   * @param onOver hears of each that is over the limit
   */
  constructor(
    inspector: ThreadInspector,
    maxHeapMb: number,
    busy: () => readonly number[],
    onOver: (threadId: number) => void,
  ) {
    this.#inspector = inspector;
    this.#limitBytes = maxHeapMb * 2 ** 20;
    this.#busy = busy;
    this.#onOver = onOver;
  }

  /**
   * Looks at the busy threads, unless it did so a moment ago. To be called often while there are any.
   * @param rssBytes what the process has in memory: no heap in it is larger, but for what was swapped out
   */
  look(rssBytes: number): void {
    const restMs = rssBytes > this.#limitBytes ? WATCH_MS : SWAPPED_WATCH_MS;
    if (performance.now() - this.#lookedAt < restMs) return;
    this.#lookedAt = performance.now();
    for (const threadId of this.#busy()) {
      if (!this.#asked.has(threadId)) void this.#lookAt(threadId);
    }
  }

  async #lookAt(threadId: number): Promise<void> {
    this.#asked.add(threadId);
    if (await this.#isOver(threadId)) {
      // Not HeapProfiler.collectGarbage, which waits until the thread looks up.
      await this.#inspector.ask(threadId, 'Runtime.evaluate', { expression: 'gc()' });
      if (await this.#isOver(threadId)) this.#onOver(threadId);
    }
    this.#asked.delete(threadId);
  }

  async #isOver(threadId: number): Promise<boolean> {
    const usage = await this.#inspector.ask<{ usedSize: number }>(threadId, 'Runtime.getHeapUsage');
    return usage !== null && usage.usedSize > this.#limitBytes;
  }
}

/** A thread fills some 100 MB in twice this time: `v8LimitMb` leaves room for that. */
const WATCH_MS = 40;

/** To be asked interrupts a thread, and costs the main thread some 0.2 ms. */
const SWAPPED_WATCH_MS = 1000;
