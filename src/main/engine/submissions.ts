import type { Queryable } from '../database/connect.ts';
import { pastOthers } from '../database/errors.ts';
import type { NewTask } from './new-task.ts';
import { type Call, type QueueLimits, SubmissionQueue, sharesOf } from './submission-queue.ts';
import { insert, type Submitted } from './submit.ts';

export interface SubmissionsOptions extends QueueLimits {
  /** Told of what each statement has committed. */
  accepted?: (submitted: readonly Submitted[]) => void;
}

/** Inserts tasks for many callers by one statement. Each caller's tasks are accepted all or none, and fail alone. */
export class Submissions {
  readonly #queue: SubmissionQueue<Insertion>;

  constructor(database: Queryable, { accepted = () => {}, ...limits }: SubmissionsOptions = {}) {
    this.#queue = new SubmissionQueue(async (calls) => {
      const tasks = calls.flatMap((call) => call.tasks);
      const submitted = await pastOthers(() => insert(database, tasks));
      accepted(submitted);
      const shares = sharesOf(calls, submitted);
      for (const [index, call] of calls.entries()) call.resolve(shares[index] as Submitted[]);
    }, limits);
  }

  /**
   * Inserts a caller's tasks. They are committed when this returns.
   * @returns what became of each, in their order
   * @throws TooManyWaitingError when the database does not keep up
   */
  insert(tasks: readonly NewTask[]): Promise<Submitted[]> {
    return new Promise((resolve, reject) => this.#queue.add({ tasks, resolve, reject }));
  }
}

interface Insertion extends Call {
  resolve(submitted: Submitted[]): void;
}
