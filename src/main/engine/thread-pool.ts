import { setTimeout as sleep } from 'node:timers/promises';
import type { Observe } from '../observe/events.ts';
import { TaskThread, type ThreadOptions } from './task-thread.ts';

/**
 * Keeps a fixed number of threads alive. A thread is idle, or taken by exactly one caller; a place is free again only
 * when its thread is dead or idle.
 */
export class ThreadPool {
  readonly size: number;
  readonly #options: ThreadOptions;
  readonly #observe: Observe;
  readonly #onIdle: () => void;
  readonly #idle: TaskThread[] = [];
  readonly #alive = new Set<TaskThread>();
  readonly #starting = new Set<Promise<unknown>>();
  /** Threads to be replaced, and why. */
  readonly #retired = new WeakMap<TaskThread, string>();
  #stopped = false;

  /** @param onIdle is called whenever a thread can be taken */
  constructor(size: number, options: ThreadOptions, observe: Observe, onIdle: () => void) {
    this.size = size;
    this.#options = options;
    this.#observe = observe;
    this.#onIdle = onIdle;
  }

  /** Starts the threads. Resolves when the first one is up; the others follow. */
  async start(): Promise<void> {
    await Promise.race(Array.from({ length: this.size }, () => this.#add(false)));
  }

  get idle(): number {
    return this.#idle.length;
  }

  /** The threads that live, idle or taken. */
  get threads(): readonly TaskThread[] {
    return [...this.#alive];
  }

  /** The idle thread that was used last, whose code is warm, or undefined. */
  take(): TaskThread | undefined {
    return this.#idle.pop();
  }

  /** Gives back a taken thread that is as clean as it was. */
  release(thread: TaskThread): void {
    const retired = this.#retired.get(thread);
    if (retired !== undefined) {
      void this.#end(thread, retired);
      return;
    }
    this.#idle.push(thread);
    this.#onIdle();
  }

  /** Gives back a taken thread that has exited: another one comes up in its place. */
  async replace(dead: TaskThread): Promise<void> {
    this.#alive.delete(dead);
    await this.#add(true);
  }

  /** Replaces a thread as soon as it is idle. */
  retire(thread: TaskThread, reason: string): void {
    this.#retired.set(thread, reason);
    const at = this.#idle.indexOf(thread);
    if (at !== -1) void this.#end(this.#idle.splice(at, 1)[0] as TaskThread, reason);
  }

  /** From now on no thread is started. */
  close(): void {
    this.#stopped = true;
  }

  /**
   * Kills every thread and waits until they have exited, also those that are just coming up.
   * @param stuck threads that do not die: they are not waited for
   */
  async stop(stuck: ReadonlySet<TaskThread>): Promise<void> {
    this.close();
    await Promise.allSettled(this.#starting);
    await Promise.all(this.#idle.map((thread) => thread.sayGoodbye()));
    const mortal = [...this.#alive].filter((thread) => !stuck.has(thread));
    await Promise.all(mortal.map((thread) => thread.kill('the runner has stopped')));
  }

  async #add(replaces: boolean): Promise<void> {
    for (let tries = 0; !this.#stopped; tries++) {
      try {
        const startedAt = performance.now();
        const thread = await this.#startThread();
        if (this.#stopped) return;
        this.#observe({
          event: 'thread_started',
          thread_id: thread.id,
          took_ms: performance.now() - startedAt,
          replaces,
        });
        void thread.exited.then(() => this.#replaceIdle(thread));
        this.release(thread);
        return;
      } catch (error) {
        this.#observe({ event: 'thread_boot_failed', reason: (error as Error).message });
        await sleep(Math.min(30_000, 250 * 2 ** tries), undefined, { ref: false });
      }
    }
  }

  async #startThread(): Promise<TaskThread> {
    const starting = TaskThread.start(this.#options);
    this.#starting.add(starting);
    try {
      const thread = await starting;
      this.#alive.add(thread);
      return thread;
    } finally {
      this.#starting.delete(starting);
    }
  }

  async #end(thread: TaskThread, reason: string): Promise<void> {
    await thread.sayGoodbye();
    await thread.kill(reason);
    await this.replace(thread);
  }

  /** An idle thread can die too: of what an attempt left behind without a trace. Taken ones are their taker's. */
  async #replaceIdle(dead: TaskThread): Promise<void> {
    const at = this.#idle.indexOf(dead);
    if (at === -1 || this.#stopped) return;
    this.#idle.splice(at, 1);
    this.#observe({
      event: 'thread_died',
      thread_id: dead.id,
      task_id: null,
      reason: 'it exited while it was idle',
    });
    await this.replace(dead);
  }
}
