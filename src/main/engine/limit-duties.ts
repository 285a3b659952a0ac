import type { ClaimedTask } from './claimed-task.ts';
import { FreeSlots } from './free-slots.ts';
import { Keying, type KeyingParts } from './keying.ts';
import { Starts } from './starts.ts';
import type { ThreadPool } from './thread-pool.ts';

/**
 * What an engine does for types with limits besides claiming them: it gives tasks their keys, writes when they have
 * begun, and tells when one has ended. Of other types' tasks it takes no notice.
 */
export class LimitDuties {
  readonly #keying: Keying;
  readonly #starts: Starts;
  readonly #freeSlots: FreeSlots;
  #keyingEnded: Promise<void> = Promise.resolve();

  /** @param onKeyed is called when tasks have got keys */
  constructor(parts: KeyingParts, threads: ThreadPool, onKeyed: () => void) {
    const { database, types, observe } = parts;
    this.#keying = new Keying(parts, threads, onKeyed);
    this.#starts = new Starts(database, types, observe);
    this.#freeSlots = new FreeSlots(database, types, observe);
  }

  /** Tasks of a type wait for their keys. */
  keysWanted(type: string): void {
    this.#keying.want(type);
  }

  /** A thread can be taken. */
  threadIdle(): void {
    this.#keying.pump();
  }

  /** The code of a claimed task runs. */
  begun(task: ClaimedTask): void {
    this.#starts.begun(task);
  }

  /** The attempt of a claimed task is over, whether or not it has begun. */
  ended(task: ClaimedTask): void {
    this.#starts.ended(task);
  }

  /** It is settled: its slot is free. */
  settled(type: string): void {
    this.#freeSlots.settled(type);
  }

  /** From now on no task gets keys. */
  close(): void {
    this.#keyingEnded = this.#keying.stop();
  }

  /** Resolves when all starts are in the database. */
  written(): Promise<void> {
    return this.#starts.written();
  }

  /** After `close`, when the threads have ended: resolves when nothing is under way any more. */
  async stopped(): Promise<void> {
    this.#freeSlots.stop();
    await this.#keyingEnded;
  }
}
