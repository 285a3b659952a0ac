import type { Task } from './types.ts';

/** What is wrong with one part of a request. `pointer` is a JSON Pointer (RFC 6901) into its body. */
export interface Fault {
  detail: string;
  pointer: string;
}

/** The API refused a request: its answer, a problem of RFC 9457. The message is the problem's `detail`. */
export class HeddleError extends Error {
  override name = 'HeddleError';
  /** Of HTTP. */
  readonly status: number;
  /** A stable relative address: `/problems/unknown-task-type`. `about:blank` when the answer was no problem. */
  readonly type: string;
  /** What is wrong with the request's body, part by part. */
  readonly errors: readonly Fault[];
  /** By which the server's log can be searched. */
  readonly requestId: string | null;

  constructor(
    detail: string,
    answer: { status: number; type: string; errors: readonly Fault[]; requestId: string | null },
  ) {
    super(detail);
    this.status = answer.status;
    this.type = answer.type;
    this.errors = answer.errors;
    this.requestId = answer.requestId;
  }

  /** A sentence for the person who reads it. */
  get detail(): string {
    return this.message;
  }
}

/** There was no answer: nobody is there, the connection broke, or it took too long. */
export class ConnectionError extends Error {
  override name = 'ConnectionError';
}

/** A task has not finished in the time that it was waited for. */
export class TaskTimeoutError extends Error {
  override name = 'TaskTimeoutError';
  /** As it was at last. */
  readonly task: Task;

  constructor(task: Task, seconds: number) {
    super(`the task ${task.id} is still ${task.status} after ${seconds} s`);
    this.task = task;
  }
}
