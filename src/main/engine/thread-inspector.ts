import { Session } from 'node:inspector';
import { setFlagsFromString } from 'node:v8';

/**
 * Asks threads about themselves. It goes through Node's inspector, which answers for a thread that computes and never
 * looks up as well, within milliseconds; only a native call makes it wait.
 */
export class ThreadInspector {
  readonly #session = new Session();
  /** The inspector's sessions with threads, by the thread's id. */
  readonly #sessions = new Map<number, string>();
  readonly #questions = new Map<number, { sessionId: string; answer: (result: object | null) => void }>();
  #asked = 0;

  /** Call it before the threads are started. */
  start(): void {
    setFlagsFromString('--expose-gc');
    this.#session.connect();
    this.#session.on('NodeWorker.attachedToWorker', ({ params: { sessionId, workerInfo } }) => {
      const threadId = /^\[worker (\d+)\]/.exec(workerInfo.title)?.[1];
      if (threadId !== undefined) this.#sessions.set(Number(threadId), sessionId);
    });
    this.#session.on('NodeWorker.detachedFromWorker', ({ params }) => this.#forget(params.sessionId));
    this.#session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => this.#hear(params.message));
    this.#session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  }

  /** Answers nothing any more. */
  stop(): void {
    for (const sessionId of [...this.#sessions.values()]) this.#forget(sessionId);
    this.#session.disconnect();
  }

  /**
   * @param method of the Chrome DevTools protocol
   * @returns its result, or null when there is no such thread, or it died meanwhile
   */
  ask<T extends object>(threadId: number, method: string, params?: object): Promise<T | null> {
    const sessionId = this.#sessions.get(threadId);
    if (sessionId === undefined) return Promise.resolve(null);
    const id = ++this.#asked;
    return new Promise((resolve) => {
      this.#questions.set(id, { sessionId, answer: (result) => resolve(result as T | null) });
      const message = JSON.stringify({ id, method, params });
      this.#session.post('NodeWorker.sendMessageToWorker', { sessionId, message });
    });
  }

  #hear(message: string): void {
    const { id, result } = JSON.parse(message) as { id?: number; result?: object };
    if (id === undefined) return;
    const question = this.#questions.get(id);
    this.#questions.delete(id);
    question?.answer(result ?? null);
  }

  #forget(gone: string): void {
    for (const [threadId, sessionId] of this.#sessions) {
      if (sessionId === gone) this.#sessions.delete(threadId);
    }
    for (const [id, { sessionId, answer }] of this.#questions) {
      if (sessionId !== gone) continue;
      this.#questions.delete(id);
      answer(null);
    }
  }
}
