import type { Queryable } from '../database/connect.ts';
import { isAway, pastOthers } from '../database/errors.ts';
import type { NewTask } from './new-task.ts';
import { insert, type Submitted } from './submit.ts';

export interface SubmissionsOptions {
  /** Told of what each statement has committed. */
  accepted?: (submitted: readonly Submitted[]) => void;
  /** Of tasks that wait to be taken into a statement, as JSON. */
  mostWaitingBytes?: number;
}

/**
 * Inserts tasks for many callers at a time: what comes while a statement is under way shares the next one, and its
 * commit. A lone submission does not wait for others. Each caller's tasks are accepted all or none, and fail alone.
 *
 * One statement at a time: with two, batches would be half as large.
 */
export class Submissions {
  readonly #database: Queryable;
  readonly #accepted: (submitted: readonly Submitted[]) => void;
  readonly #mostWaitingBytes: number;
  readonly #waiting: Call[] = [];
  #waitingBytes = 0;
  #isWriting = false;

  constructor(
    database: Queryable,
    { accepted = () => {}, mostWaitingBytes = MOST_WAITING_BYTES }: SubmissionsOptions = {},
  ) {
    this.#database = database;
    this.#accepted = accepted;
    this.#mostWaitingBytes = mostWaitingBytes;
  }

  /**
   * Inserts a caller's tasks. They are committed when this returns.
   * @returns what became of each, in their order
   * @throws TooManyWaitingError when the database does not keep up
   */
  insert(tasks: readonly NewTask[]): Promise<Submitted[]> {
    return new Promise((resolve, reject) => {
      const bytes = tasks.reduce((sum, { json }) => sum + json.length, 0);
      if (this.#waitingBytes + bytes > this.#mostWaitingBytes) throw new TooManyWaitingError();
      this.#waiting.push({ tasks, bytes, resolve, reject });
      this.#waitingBytes += bytes;
      if (!this.#isWriting) void this.#write();
    });
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    // What else arrives in this turn of the event loop goes into the same statement.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) await this.#insertAll(this.#take());
    this.#isWriting = false;
  }

  /** The next calls in order, as many as go into one statement; one that is too much for that goes alone. */
  #take(): Call[] {
    let rows = 0;
    let bytes = 0;
    const tooMuch = this.#waiting.findIndex((call) => {
      rows += call.tasks.length;
      bytes += call.bytes;
      return rows > MOST_ROWS || bytes > MOST_BYTES;
    });
    const calls = this.#waiting.splice(0, tooMuch === -1 ? this.#waiting.length : Math.max(1, tooMuch));
    for (const call of calls) this.#waitingBytes -= call.bytes;
    return calls;
  }

  /** Where a statement is refused, each half of its calls is tried again: in the end only the culprit fails. */
  async #insertAll(calls: readonly Call[]): Promise<void> {
    try {
      const tasks = calls.flatMap((call) => call.tasks);
      const submitted = await pastOthers(() => insert(this.#database, tasks));
      this.#answer(calls, submitted);
    } catch (error) {
      if (calls.length === 1 || isAway(error)) {
        for (const call of calls) call.reject(error);
        return;
      }
      const half = Math.ceil(calls.length / 2);
      await this.#insertAll(calls.slice(0, half));
      await this.#insertAll(calls.slice(half));
    }
  }

  #answer(calls: readonly Call[], submitted: readonly Submitted[]): void {
    this.#accepted(submitted);
    let at = 0;
    for (const { tasks, resolve } of calls) {
      resolve(submitted.slice(at, at + tasks.length));
      at += tasks.length;
    }
  }
}

/** Submissions come faster than the database takes them. */
export class TooManyWaitingError extends Error {
  override name = 'TooManyWaitingError';
}

/** A caller's tasks, which stay together. */
interface Call {
  tasks: readonly NewTask[];
  bytes: number;
  resolve(submitted: Submitted[]): void;
  reject(error: unknown): void;
}

const MOST_ROWS = 1000;
const MOST_BYTES = 4 * 1024 * 1024;
const MOST_WAITING_BYTES = 32 * 1024 * 1024;
