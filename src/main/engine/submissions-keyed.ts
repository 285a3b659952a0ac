import type pg from 'pg';
import {
  type Done,
  type KeptAnswer,
  type KeyedRequest,
  KeyInProgressError,
  onceEach,
} from '../database/idempotency.ts';
import type { NewTask } from './new-task.ts';
import { SubmissionQueue, sharesOf } from './submission-queue.ts';
import type { SubmissionsOptions } from './submissions.ts';
import { insert, type Submitted } from './submit.ts';

/** Tasks that are to be inserted once, however often they are asked for. */
export interface KeyedInsertion extends KeyedRequest {
  tasks: readonly NewTask[];
  /** The answer that is kept, and given again. */
  answer(submitted: Submitted[]): KeptAnswer;
}

/**
 * Inserts tasks for many callers with an Idempotency-Key by one transaction, in which their answers are kept, too: one
 * wait for the disk for all of them, and one notification.
 */
export class KeyedSubmissions {
  readonly #queue: SubmissionQueue<KeyedCall>;
  /** The ids of requests that are here. In one transaction two with the same id would not see each other's lock. */
  readonly #underWay = new Set<string>();

  constructor(database: pg.Pool, { accepted = () => {}, ...limits }: SubmissionsOptions = {}) {
    this.#queue = new SubmissionQueue(
      async (calls) => {
        let submitted: Submitted[] = [];
        const done = await onceEach(database, calls, async (client, fresh) => {
          submitted = await insert(
            client,
            fresh.flatMap((call) => call.tasks),
          );
          const shares = sharesOf(fresh, submitted);
          return fresh.map((call, index) => call.answer(shares[index] as Submitted[]));
        });
        accepted(submitted);
        for (const [index, call] of calls.entries()) settle(call, done[index] as Done | Error);
      },
      { mostCalls: MOST_CALLS, ...limits },
    );
  }

  /**
   * Inserts a caller's tasks, or finds the answer that was kept. Either is committed when this returns.
   * @throws KeyInProgressError, KeyReusedError as `once` does
   * @throws TooManyWaitingError when the database does not keep up
   */
  async insert(insertion: KeyedInsertion): Promise<Done> {
    const id = insertion.id.toString('hex');
    if (this.#underWay.has(id)) throw new KeyInProgressError();
    this.#underWay.add(id);
    try {
      return await new Promise<Done>((resolve, reject) => this.#queue.add({ ...insertion, resolve, reject }));
    } finally {
      this.#underWay.delete(id);
    }
  }
}

interface KeyedCall extends KeyedInsertion {
  resolve(done: Done): void;
  reject(error: unknown): void;
}

function settle({ resolve, reject }: KeyedCall, done: Done | Error): void {
  if (done instanceof Error) reject(done);
  else resolve(done);
}

/** Each has a lock in the server's memory, where by default there is room for some six thousand. */
const MOST_CALLS = 200;
