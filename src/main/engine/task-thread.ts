import { once } from 'node:events';
import { MessageChannel, type MessagePort, receiveMessageOnPort, type Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import {
  type AttemptOrder,
  type BootOrder,
  type Bundle,
  type BundleEnd,
  type FromThread,
  type KeyOrder,
  LeaseClock,
  type LimitKeys,
  type TaskTypeDescription,
  type ToThread,
} from '../../workers/protocol.ts';
import { toAttemptRow } from '../../workers/shared/attempt-row.ts';
import { Control, type Success } from '../../workers/shared/control.ts';
import { outOfMemory, v8LimitMb } from './heap-watch.ts';

/** What every thread of a runner is started with. */
export interface ThreadOptions {
  databaseUrl: string;
  taskFolders: string[];
  logLevel: string;
  maxHeapMb: number;
  /** How long a thread may take to come up, in milliseconds. */
  bootTimeoutMs: number;
  /** Until when the runner may run anything. Default: for ever. */
  lease?: LeaseClock;
}

/** The thread is dead, or never lived: nothing of it runs any more. */
export class ThreadDied extends Error {
  override name = 'ThreadDied';
}

/**
 * A worker thread: a Piscina pool of exactly one. So it is always known which thread runs what, nothing is ever
 * queued inside Piscina, and a kill can wait for this thread's exit. (A shared pool rejects a run before its thread
 * is dead, starts the replacement beside it, and never starts another one after a failed boot.)
 */
export class TaskThread {
  readonly control = new Control();
  readonly id: number;
  /** Resolves when the thread has exited, whoever ended it. */
  readonly exited: Promise<void>;
  readonly #pool: Piscina;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #maxHeapMb: number;
  #onMessage: (message: FromThread) => void = () => {};
  #killed: string | null = null;

  /** Starts a thread and waits until it can run tasks. @throws ThreadDied when it does not come up in time */
  static async start(options: ThreadOptions): Promise<TaskThread> {
    const pool = new Piscina({
      filename: ENTRY,
      // None at first: a pool that is told to keep a thread would start the next one beside a dying one.
      minThreads: 0,
      maxThreads: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 1,
      // The default freezes a thread between tasks, and with it the timers and sockets of its pools.
      atomics: 'disabled',
      recordTiming: false,
      resourceLimits: { maxOldGenerationSizeMb: v8LimitMb(options.maxHeapMb) },
    });
    const { port1, port2 } = new MessageChannel();
    const order: BootOrder = {
      port: port2,
      databaseUrl: options.databaseUrl,
      lease: (options.lease ?? new LeaseClock()).buffer,
      taskFolders: options.taskFolders,
      logLevel: options.logLevel,
    };
    const failed = once(pool, 'error').then(([error]) => Promise.reject(error as Error));
    failed.catch(() => {}); // After the boot, an error of an idle thread shows as its exit.
    pool.on('error', () => {});
    const booted = pool.run(order, { name: 'boot', transferList: [port2] }) as Promise<number>;
    const worker = pool.threads[0] as Worker;
    const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    try {
      const id = await withDeadline(Promise.race([booted, failed]), options.bootTimeoutMs);
      return new TaskThread(id, pool, worker, port1, exited, options.maxHeapMb);
    } catch (error) {
      booted.catch(() => {});
      port1.close();
      await worker.terminate();
      throw new ThreadDied(`a thread did not come up: ${(error as Error).message}`, { cause: error });
    }
  }

  private constructor(
    id: number,
    pool: Piscina,
    worker: Worker,
    port: MessagePort,
    exited: Promise<void>,
    maxHeapMb: number,
  ) {
    this.id = id;
    this.exited = exited;
    this.#pool = pool;
    this.#worker = worker;
    this.#port = port;
    this.#maxHeapMb = maxHeapMb;
    port.on('message', (message: FromThread) => this.#onMessage(message));
  }

  /** Who hears what the thread says. */
  listen(onMessage: (message: FromThread) => void): void {
    this.#onMessage = onMessage;
  }

  tell(message: ToThread): void {
    this.#port.postMessage(message);
  }

  /**
   * Runs a bundle. When this settles, everything the thread has said about it has been heard.
   * @throws ThreadDied after the thread's exit, with the reason in plain words
   */
  async run(attempts: readonly AttemptOrder[]): Promise<BundleEnd> {
    this.control.reset();
    const bundle: Bundle = { control: this.control.buffer, attempts: attempts.map(toAttemptRow) };
    return this.#call<BundleEnd>('run', bundle);
  }

  /**
   * Which attempts of the bundle have succeeded since this was last asked. What they said before has been heard then.
   * @param attempts how many there are in the bundle
   */
  takeSuccesses(attempts: number): Success[] {
    const successes = this.control.takeSuccesses(attempts);
    if (successes.length > 0) this.#hearTheRest();
    return successes;
  }

  /** The task files there are. @throws ThreadDied */
  list(): Promise<{ type: string; path: string }[]> {
    return this.#call('list', undefined);
  }

  /** Loads a task file and describes it. @throws ThreadDied, or Error with the reason why it is not a task */
  describe(file: { type: string; path: string }): Promise<TaskTypeDescription> {
    return this.#call('describe', file);
  }

  /** The keys of tasks, each null when they cannot be computed. @throws ThreadDied */
  keys(order: KeyOrder): Promise<(LimitKeys | null)[]> {
    return this.#call('keys', order);
  }

  /** Lets the thread send what must not go with it. Nothing may run in it. Takes a second at most. */
  async sayGoodbye(): Promise<void> {
    await this.#call('end', undefined).catch(() => {}); // It has died already.
  }

  /**
   * Kills the thread. Resolves when it has exited: code that computes dies in milliseconds, a native call only when
   * it returns.
   */
  async kill(reason: string): Promise<void> {
    this.#killed ??= reason;
    await this.#worker.terminate();
    await this.exited;
    this.#hearTheRest();
  }

  async #call<T>(name: string, order: unknown): Promise<T> {
    try {
      const answer = (await this.#pool.run(order, { name })) as T;
      this.#hearTheRest();
      return answer;
    } catch (error) {
      const reason = this.#deathReason(error as Error);
      if (reason === null) throw error;
      await this.exited;
      this.#hearTheRest();
      throw new ThreadDied(reason, { cause: error });
    }
  }

  /** Piscina answers on another port than the thread speaks on: what was said before may still be under way. */
  #hearTheRest(): void {
    for (
      let next = receiveMessageOnPort(this.#port);
      next !== undefined;
      next = receiveMessageOnPort(this.#port)
    ) {
      this.#onMessage(next.message as FromThread);
    }
  }

  /** Why the thread died, or null when the error is only an answer. */
  #deathReason(error: Error & { code?: string }): string | null {
    if (this.#killed !== null) return this.#killed;
    if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') return outOfMemory(this.#maxHeapMb);
    const exit = /^worker exited with code: (-?\d+)$/.exec(error.message);
    if (exit !== null) return `exited with code ${exit[1]}`;
    return this.#pool.threads.includes(this.#worker) ? null : `uncaught: ${error.message}`;
  }
}

const ENTRY = new URL('../../workers/run-task.js', import.meta.url).href;

async function withDeadline<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it took longer than ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
