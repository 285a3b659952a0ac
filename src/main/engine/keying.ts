import type { LimitKeys } from '../../workers/protocol.ts';
import type { Queryable } from '../database/connect.ts';
import { describe } from '../database/errors.ts';
import type { Observe } from '../observe/events.ts';
import { FIND_KEYLESS, GIVE_KEYS } from './sql/limits.ts';
import { type TaskThread, ThreadDied } from './task-thread.ts';
import type { RunnableType } from './task-types.ts';
import type { ThreadPool } from './thread-pool.ts';

export interface KeyingParts {
  database: Queryable;
  types: readonly RunnableType[];
  observe: Observe;
}

interface Keyless {
  id: string;
  params: string;
}

/**
 * Gives queued tasks the keys that their type's limits count them under: reads many at a time, lets a thread compute
 * their keys, for task code runs nowhere else, and writes these. The tasks stay queued meanwhile, and no attempt is
 * used up. Several runners may do so at once: the first one's keys stay.
 *
 * A task whose keys cannot be computed gets empty ones: it is claimed then, and its own attempt ends with the reason.
 */
export class Keying {
  readonly #database: Queryable;
  readonly #threads: ThreadPool;
  readonly #observe: Observe;
  readonly #timeouts: ReadonlyMap<string, number>;
  readonly #onKeyed: () => void;
  readonly #wanted = new Set<string>();
  /** How many tasks of a type are taken at a time, when it is not all that fit. */
  readonly #sizes = new Map<string, number>();
  #running: Promise<void> | null = null;
  #waiting: ((thread: TaskThread | null) => void) | null = null;
  #stopped = false;

  /** @param onKeyed is called when tasks have got keys */
  constructor({ database, types, observe }: KeyingParts, threads: ThreadPool, onKeyed: () => void) {
    this.#database = database;
    this.#timeouts = new Map(types.map(({ name, timeoutSeconds }) => [name, timeoutSeconds]));
    this.#threads = threads;
    this.#observe = observe;
    this.#onKeyed = onKeyed;
  }

  /** Tasks of a type wait for their keys. */
  want(type: string): void {
    if (this.#stopped) return;
    this.#wanted.add(type);
    this.#running ??= this.#keyAll();
  }

  /** Takes an idle thread, if it waits for one. */
  pump(): void {
    if (this.#waiting === null) return;
    const thread = this.#threads.take();
    if (thread !== undefined) this.#hand(thread);
  }

  /** Resolves when it does nothing any more. What a thread still computes ends with the thread. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#hand(null);
    await this.#running;
  }

  async #keyAll(): Promise<void> {
    for (const type of this.#wanted) {
      this.#wanted.delete(type);
      if (this.#stopped) break;
      try {
        await this.#keySome(type);
      } catch (error) {
        this.#observe({ event: 'database_error', during: 'keying', ...describe(error) });
      }
    }
    this.#running = null;
  }

  async #keySome(type: string): Promise<void> {
    const most = this.#sizes.get(type) ?? MOST_TASKS;
    const { rows: tasks } = await this.#database.query<Keyless>({
      name: 'find-keyless',
      text: FIND_KEYLESS,
      values: [type, MOST_CHARACTERS, most],
    });
    if (tasks.length === 0) return;
    const keys = await this.#compute(type, tasks);
    if (keys === null) return;
    const given = await this.#give(tasks, keys);
    if (given === 0) return; // Somebody else was quicker, or has locked them.
    if (tasks.length > 1 || most === 1) this.#wanted.add(type); // There may be more.
    this.#onKeyed();
  }

  /** @returns how many got them */
  async #give(tasks: readonly Keyless[], keys: readonly (LimitKeys | null)[]): Promise<number> {
    const { rowCount } = await this.#database.query({
      name: 'give-keys',
      text: GIVE_KEYS,
      values: [
        tasks.map(({ id }) => id),
        tasks.map((_task, at) => keys[at]?.concurrency ?? ''),
        tasks.map((_task, at) => keys[at]?.rate ?? ''),
      ],
    });
    return rowCount ?? 0;
  }

  /** @returns null when nothing came of it */
  async #compute(type: string, tasks: readonly Keyless[]): Promise<(LimitKeys | null)[] | null> {
    const thread = await this.#takeThread();
    if (thread === null) return null;
    const most = Math.min(MOST_SECONDS, this.#timeouts.get(type) ?? MOST_SECONDS);
    const reason = `the keys of '${type}' took longer than ${most} s`;
    const timer = setTimeout(() => void thread.kill(reason), most * 1000);
    try {
      const keys = await thread.keys({ type, params: tasks.map(({ params }) => params) });
      this.#threads.release(thread);
      this.#growBatches(type);
      return keys;
    } catch (error) {
      if (!(error instanceof ThreadDied)) throw error;
      void this.#threads.replace(thread);
      return this.#afterDeath(type, tasks, error.message);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Of several tasks one is to blame: they are tried one by one. A single one goes without keys. */
  #afterDeath(type: string, tasks: readonly Keyless[], reason: string): null[] | null {
    if (this.#stopped) return null;
    this.#observe({ event: 'keying_failed', task_type: type, tasks: tasks.length, reason });
    this.#sizes.set(type, 1);
    if (tasks.length === 1) return [null];
    this.#wanted.add(type);
    return null;
  }

  #growBatches(type: string): void {
    const size = this.#sizes.get(type);
    if (size === undefined) return;
    if (2 * size < MOST_TASKS) this.#sizes.set(type, 2 * size);
    else this.#sizes.delete(type);
  }

  #takeThread(): Promise<TaskThread | null> {
    const idle = this.#threads.take();
    if (idle !== undefined) return Promise.resolve(idle);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  #hand(thread: TaskThread | null): void {
    this.#waiting?.(thread);
    this.#waiting = null;
  }
}

/** What a thread does in some milliseconds. */
const MOST_TASKS = 500;

/** Of params, all at once in memory. */
const MOST_CHARACTERS = 4_000_000;

/** Then the thread is killed, also when the type may take longer: no key is worth that. */
const MOST_SECONDS = 5;
