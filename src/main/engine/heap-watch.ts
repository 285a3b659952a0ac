import { Session } from 'node:inspector';
import { setFlagsFromString } from 'node:v8';

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

/**
 * Finds threads whose heap is larger than it may be. It asks Node's inspector, which answers for a thread that
 * computes and never looks up as well, within a millisecond. Garbage that V8 has not collected yet does not count.
 */
export class HeapWatch {
  readonly #limitBytes: number;
  readonly #busy: () => readonly number[];
  readonly #onOver: (threadId: number) => void;
  readonly #session = new Session();
  /** The inspector's sessions with threads, by the thread's id. */
  readonly #sessions = new Map<number, string>();
  /** Who waits for a session's answer. A session is asked one thing at a time. */
  readonly #waiting = new Map<string, (result: Usage) => void>();
  #lookedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param busy ids of the threads to look at
   * @param onOver hears of each that is over the limit
   */
  constructor(maxHeapMb: number, busy: () => readonly number[], onOver: (threadId: number) => void) {
    this.#limitBytes = maxHeapMb * 2 ** 20;
    this.#busy = busy;
    this.#onOver = onOver;
  }

  /** Call it before the threads are started. */
  start(): void {
    setFlagsFromString('--expose-gc');
    this.#session.connect();
    this.#session.on('NodeWorker.attachedToWorker', ({ params: { sessionId, workerInfo } }) => {
      const threadId = /^\[worker (\d+)\]/.exec(workerInfo.title)?.[1];
      if (threadId !== undefined) this.#sessions.set(Number(threadId), sessionId);
    });
    this.#session.on('NodeWorker.detachedFromWorker', ({ params }) => this.#forget(params.sessionId));
    this.#session.on('NodeWorker.receivedMessageFromWorker', ({ params }) =>
      this.#hear(params.sessionId, params.message),
    );
    this.#session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  }

  stop(): void {
    this.#session.disconnect();
  }

  /** Looks at the busy threads, unless it did so a moment ago. To be called often while there are any. */
  look(): void {
    if (performance.now() - this.#lookedAt < WATCH_MS) return;
    this.#lookedAt = performance.now();
    for (const threadId of this.#busy()) {
      const sessionId = this.#sessions.get(threadId);
      if (sessionId !== undefined && !this.#waiting.has(sessionId)) void this.#lookAt(threadId, sessionId);
    }
  }

  /** Waits for ever when the thread dies meanwhile: nobody needs to know any more. */
  async #lookAt(threadId: number, sessionId: string): Promise<void> {
    if (!(await this.#isOver(sessionId))) return;
    // Not HeapProfiler.collectGarbage, which waits until the thread looks up.
    await this.#ask(sessionId, 'Runtime.evaluate', { expression: 'gc()' });
    if (await this.#isOver(sessionId)) this.#onOver(threadId);
  }

  async #isOver(sessionId: string): Promise<boolean> {
    const { usedSize = 0 } = await this.#ask(sessionId, 'Runtime.getHeapUsage');
    return usedSize > this.#limitBytes;
  }

  #ask(sessionId: string, method: string, params?: object): Promise<Usage> {
    return new Promise((resolve) => {
      this.#waiting.set(sessionId, resolve);
      const message = JSON.stringify({ id: 1, method, params });
      this.#session.post('NodeWorker.sendMessageToWorker', { sessionId, message });
    });
  }

  #hear(sessionId: string, message: string): void {
    const { result } = JSON.parse(message) as { result?: Usage };
    const answer = this.#waiting.get(sessionId);
    this.#waiting.delete(sessionId);
    answer?.(result ?? {});
  }

  #forget(sessionId: string): void {
    this.#waiting.delete(sessionId);
    for (const [threadId, id] of this.#sessions) if (id === sessionId) this.#sessions.delete(threadId);
  }
}

interface Usage {
  usedSize?: number;
}

/** A thread fills some 100 MB in twice this time: `v8LimitMb` leaves room for that. */
const WATCH_MS = 40;
