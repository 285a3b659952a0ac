import { setTimeout as sleep } from 'node:timers/promises';
import type { Observe } from '../observe/events.ts';
import type { Dispatcher } from './dispatch.ts';
import { HeapWatch, outOfMemory } from './heap-watch.ts';
import { memoryLimitMb } from './memory-limit.ts';
import { MemoryWatch, type WatchedThread } from './memory-watch.ts';
import { ThreadInspector } from './thread-inspector.ts';
import type { ThreadPool } from './thread-pool.ts';

export interface MemoryLimits {
  maxHeapMb: number;
  /** Of the process. Default: derived from the number of threads and from what the machine has. */
  processMb: number | undefined;
}

/** Keeps an engine's threads within their limits of memory: each heap by itself, and all of them together. */
export class MemoryGuard {
  readonly #threads: ThreadPool;
  readonly #dispatcher: Dispatcher;
  readonly #inspector = new ThreadInspector();
  readonly #heapWatch: HeapWatch;
  readonly #memoryWatch: MemoryWatch;

  constructor(
    { maxHeapMb, processMb }: MemoryLimits,
    threads: ThreadPool,
    dispatcher: Dispatcher,
    observe: Observe,
  ) {
    this.#threads = threads;
    this.#dispatcher = dispatcher;
    this.#heapWatch = new HeapWatch(
      this.#inspector,
      maxHeapMb,
      () => dispatcher.busyThreads.map(({ id }) => id),
      (threadId) => dispatcher.kill(threadId, { cause: 'memory', reason: outOfMemory(maxHeapMb) }),
    );
    this.#memoryWatch = new MemoryWatch({
      limitMb: processMb ?? memoryLimitMb(threads.size, maxHeapMb),
      inspector: this.#inspector,
      threads: () => this.#watchedThreads(),
      recycle: (threadId, reason, withinMs) => this.#recycle(threadId, reason, withinMs),
      observe,
    });
  }

  /** Call it before the threads are started. */
  start(): void {
    this.#inspector.start();
    this.#memoryWatch.start();
  }

  /** Looks at once: to be called often while anything runs. */
  look(): void {
    const rssBytes = process.memoryUsage.rss();
    this.#heapWatch.look(rssBytes);
    this.#memoryWatch.look(rssBytes);
  }

  stop(): void {
    this.#memoryWatch.stop();
    this.#inspector.stop();
  }

  #watchedThreads(): WatchedThread[] {
    const flights = this.#dispatcher.flights;
    return this.#threads.threads.map((thread) => {
      const now = thread.control.running();
      const flight = flights.find((one) => one.thread === thread && one.index === now?.index);
      const running = now && flight ? { task: flight.task, heldAtStart: now.heldAtStart } : null;
      return { id: thread.id, running };
    });
  }

  /** Replaces a thread: at once if it is idle, when its attempts have ended, or else by killing it. */
  async #recycle(threadId: number, reason: string, withinMs: number): Promise<void> {
    const thread = this.#threads.threads.find(({ id }) => id === threadId);
    if (thread === undefined) return;
    this.#threads.retire(thread, reason);
    await Promise.race([thread.exited, sleep(withinMs)]);
    this.#dispatcher.kill(threadId, { cause: 'memory', reason });
    await thread.exited;
  }
}
