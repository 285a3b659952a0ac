import { setTimeout as sleep } from 'node:timers/promises';
import { MEASURE } from '../../workers/protocol.ts';
import type { Observe } from '../observe/events.ts';
import { findHolder, type Holder, type Reading } from './memory-holder.ts';
import { threadsBudgetMb } from './memory-limit.ts';
import type { ThreadInspector } from './thread-inspector.ts';

export interface MemoryWatchParts {
  limitMb: number;
  inspector: ThreadInspector;
  threads: () => readonly WatchedThread[];
  /** Replaces a thread, at the latest so many milliseconds from now. Resolves when it has exited. */
  recycle: (threadId: number, reason: string, withinMs: number) => Promise<void>;
  observe: Observe;
}

export interface WatchedThread {
  id: number;
  /** The attempt that runs, and what the thread held when it began. */
  running: { task: { id: string; type: string }; heldAtStart: number } | null;
}

/**
 * Keeps the process's memory under its limit, which a heap limit cannot: Buffers are outside of the heaps. When there
 * is too much, the thread is replaced that holds most of it.
 */
export class MemoryWatch {
  readonly #parts: MemoryWatchParts;
  readonly #limitBytes: number;
  readonly #budgetBytes: number;
  #timer: NodeJS.Timeout | undefined;
  #judging = false;
  /** The threads were asked a moment ago, in vain: not again before this time, unless there is more memory than this. */
  #rest = AWAKE;
  #toldOfNobody = false;

  constructor(parts: MemoryWatchParts) {
    this.#parts = parts;
    this.#limitBytes = parts.limitMb * MEBIBYTE;
    this.#budgetBytes = threadsBudgetMb(parts.limitMb) * MEBIBYTE;
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), IDLE_LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Looks at once: to be called often while anything runs. */
  look(rssBytes = process.memoryUsage.rss()): void {
    if (this.#judging) return;
    if (rssBytes <= this.#limitBytes) this.#toldOfNobody = false;
    else if (performance.now() >= this.#rest.until || rssBytes > this.#rest.upToBytes) void this.#judge();
  }

  async #judge(): Promise<void> {
    this.#judging = true;
    const holder = await this.#findHolder();
    const rssBytes = process.memoryUsage.rss();
    if (rssBytes > this.#limitBytes) {
      if (holder === null) this.#tellOfNobody(rssBytes);
      else await this.#recycle(holder, rssBytes);
    }
    this.#judging = false;
  }

  /** Garbage is nobody's: a thread is chosen only after its own was collected. */
  async #findHolder(): Promise<Holder | null> {
    const threads = this.#parts.threads();
    const readings = await Promise.all(threads.map((thread) => this.#read(thread, false)));
    const collected = new Set<number>();
    for (;;) {
      const holder = findHolder(readings.filter(isKnown), this.#budgetBytes);
      if (holder === null || collected.has(holder.threadId)) return holder;
      collected.add(holder.threadId);
      this.#restFrom(process.memoryUsage.rss());
      const at = threads.findIndex(({ id }) => id === holder.threadId);
      readings[at] = await this.#read(threads[at] as WatchedThread, true);
    }
  }

  /** @returns null when the thread does not answer in time: it is in a native call */
  async #read({ id, running }: WatchedThread, collect: boolean): Promise<Reading | null> {
    const expression = `${MEASURE}(${collect})`;
    const asked = this.#parts.inspector.ask<{ result: { value?: unknown } }>(id, 'Runtime.evaluate', {
      expression,
    });
    const heldBytes = (await inTime(asked))?.result.value;
    if (typeof heldBytes !== 'number') return null;
    return {
      threadId: id,
      heldBytes,
      grownBytes: running === null ? null : heldBytes - running.heldAtStart,
    };
  }

  async #recycle(holder: Holder, rssBytes: number): Promise<void> {
    const { threadId, heldBytes, byAttempt } = holder;
    this.#tell(rssBytes, holder);
    const limit = `the runner's memory grew to ${megabytes(rssBytes)} of ${megabytes(this.#limitBytes)}`;
    const whose = byAttempt ? 'this attempt' : 'its thread';
    const reason = `ran out of memory (${limit}; ${whose} held ${megabytes(heldBytes)})`;
    await this.#parts.recycle(threadId, reason, byAttempt ? 0 : LEAVE_MS);
    await this.#givenBack();
    this.#rest = AWAKE;
  }

  /** Memory is given back late. As long as it becomes less, nobody else has to die for it. */
  async #givenBack(): Promise<void> {
    let before = Number.POSITIVE_INFINITY;
    for (let now = process.memoryUsage.rss(); now < 0.99 * before; now = process.memoryUsage.rss()) {
      before = now;
      await sleep(GIVE_BACK_MS);
    }
  }

  #tellOfNobody(rssBytes: number): void {
    this.#restFrom(rssBytes); // It may stay so for ever, and to ask the threads interrupts them.
    if (!this.#toldOfNobody) this.#tell(rssBytes, null);
    this.#toldOfNobody = true;
  }

  #restFrom(rssBytes: number): void {
    this.#rest = { until: performance.now() + REST_MS, upToBytes: 1.05 * rssBytes };
  }

  #tell(rssBytes: number, holder: Holder | null): void {
    const thread = this.#parts.threads().find(({ id }) => id === holder?.threadId);
    this.#parts.observe({
      event: 'memory_exceeded',
      rss_mb: Math.round(rssBytes / MEBIBYTE),
      limit_mb: this.#parts.limitMb,
      thread_id: holder?.threadId ?? null,
      task_id: thread?.running?.task.id ?? null,
      task_type: thread?.running?.task.type ?? null,
      held_mb: holder === null ? null : Math.round(holder.heldBytes / MEBIBYTE),
    });
  }
}

const MEBIBYTE = 2 ** 20;

/** How often it looks when nobody calls. */
const IDLE_LOOK_MS = 250;

/** Long enough for a collection of garbage that the thread makes just now. */
const ANSWER_MS = 250;

/** How long a thread may go on that is to be replaced for what earlier attempts left: quick ones end meanwhile. */
const LEAVE_MS = 250;

const GIVE_BACK_MS = 100;

/** A collection stops its thread, for as long as half a second when the heap is large. */
const REST_MS = 1000;

const AWAKE = { until: Number.NEGATIVE_INFINITY, upToBytes: 0 };

function isKnown(reading: Reading | null): reading is Reading {
  return reading !== null;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / MEBIBYTE).toLocaleString('en-US')} MB`;
}

async function inTime<T>(asked: Promise<T | null>): Promise<T | null> {
  const late = new AbortController();
  try {
    return await Promise.race([asked, sleep(ANSWER_MS, null, { signal: late.signal })]);
  } finally {
    late.abort();
  }
}
