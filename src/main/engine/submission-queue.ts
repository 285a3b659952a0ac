import { isAway } from '../database/errors.ts';
import { writeByHalves } from './halves.ts';
import type { NewTask } from './new-task.ts';
import type { Submitted } from './submit.ts';

/** A caller's tasks, which stay together. */
export interface Call {
  readonly tasks: readonly NewTask[];
  reject(error: unknown): void;
}

export interface QueueLimits {
  /** Of those that are written together. @default as many as their tasks allow */
  mostCalls?: number;
  /** Of tasks that wait to be written, as JSON. */
  mostWaitingBytes?: number;
}

/**
 * Calls to submit, which are written many at a time: what comes while others are being written goes next, all of it
 * together. A lone call does not wait for others.
 *
 * One write at a time: with two, they would be half as large.
 */
export class SubmissionQueue<Each extends Call> {
  readonly #write: (calls: readonly Each[]) => Promise<void>;
  readonly #mostCalls: number;
  readonly #mostWaitingBytes: number;
  readonly #waiting: Each[] = [];
  #waitingBytes = 0;
  #isWriting = false;

  /** @param write writes calls, all of them or none, and answers them; those that it rejects for are refused here */
  constructor(
    write: (calls: readonly Each[]) => Promise<void>,
    { mostCalls = Number.POSITIVE_INFINITY, mostWaitingBytes = MOST_WAITING_BYTES }: QueueLimits = {},
  ) {
    this.#write = write;
    this.#mostCalls = mostCalls;
    this.#mostWaitingBytes = mostWaitingBytes;
  }

  /** @throws TooManyWaitingError when the database does not keep up */
  add(call: Each): void {
    const bytes = bytesOf(call);
    if (this.#waitingBytes + bytes > this.#mostWaitingBytes) throw new TooManyWaitingError();
    this.#waiting.push(call);
    this.#waitingBytes += bytes;
    if (!this.#isWriting) void this.#writeWaiting();
  }

  async #writeWaiting(): Promise<void> {
    this.#isWriting = true;
    // What else arrives in this turn of the event loop goes along.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) await this.#writeAll(this.#take());
    this.#isWriting = false;
  }

  /** The next calls in order, as many as are written together; one that is too much for that goes alone. */
  #take(): Each[] {
    let rows = 0;
    let bytes = 0;
    const tooMuch = this.#waiting.findIndex((call, index) => {
      rows += call.tasks.length;
      bytes += bytesOf(call);
      return rows > MOST_ROWS || bytes > MOST_BYTES || index >= this.#mostCalls;
    });
    const calls = this.#waiting.splice(0, tooMuch === -1 ? this.#waiting.length : Math.max(1, tooMuch));
    for (const call of calls) this.#waitingBytes -= bytesOf(call);
    return calls;
  }

  /** Where the database refuses them, each half of the calls is tried again: in the end only the culprit fails. */
  async #writeAll(calls: readonly Each[]): Promise<void> {
    await writeByHalves(calls, async (some) => {
      try {
        await this.#write(some);
      } catch (error) {
        if (some.length > 1 && !isAway(error)) return some;
        for (const call of some) call.reject(error);
      }
      return [];
    });
  }
}

/** What became of tasks that were inserted together, call by call. */
export function sharesOf(
  calls: readonly Pick<Call, 'tasks'>[],
  submitted: readonly Submitted[],
): Submitted[][] {
  let end = 0;
  return calls.map(({ tasks }) => {
    const start = end;
    end += tasks.length;
    return submitted.slice(start, end);
  });
}

/** Submissions come faster than the database takes them. */
export class TooManyWaitingError extends Error {
  override name = 'TooManyWaitingError';
}

function bytesOf({ tasks }: Call): number {
  let bytes = 0;
  for (const { json } of tasks) bytes += json.length;
  return bytes;
}

const MOST_ROWS = 1000;
const MOST_BYTES = 4 * 1024 * 1024;
const MOST_WAITING_BYTES = 32 * 1024 * 1024;
