import type { Context } from 'hono';
import { isAway, isPassing, leavesOutcomeOpen } from '../../database/errors.ts';
import { KeyInProgressError, KeyReusedError } from '../../database/idempotency.ts';
import { SameWorkError } from '../../engine/by-hand.ts';
import type { SubmissionError, SubmissionFault } from '../../engine/submission-error.ts';
import { TooManyWaitingError } from '../../engine/submission-queue.ts';
import type { Observe } from '../../observe/events.ts';
import { invalid } from '../requests/body.ts';
import { answerProblem, Problem } from './problem.ts';

/** Answers whatever a handler throws. What nobody expected is an event, and tells the caller nothing. */
export function answerFailure(observe: Observe): (error: Error, c: Context) => Response {
  return (error, c) => {
    const expected = toProblem(error, c.req.method);
    if (expected !== undefined) return answerProblem(c, expected);
    observe({
      event: 'request_failed',
      method: c.req.method,
      path: c.req.path,
      request_id: c.get('requestId'),
      message: messageOf(error),
    });
    return answerProblem(c, internalError());
  };
}

/** Tells the caller nothing. */
export function internalError(): Problem {
  return new Problem(500, 'internal', 'Internal error', 'Something went wrong on this side.');
}

/** What is wrong with submitted tasks. @param pointerTo the place of a submission in the body */
export function refusal({ faults }: SubmissionError, pointerTo: (index: number) => string): Problem {
  const told = faults.map(({ detail, index, pointer }) => ({ detail, pointer: pointerTo(index) + pointer }));
  const first = (kind: SubmissionFault['kind']) => faults.find((fault) => fault.kind === kind)?.detail;
  const unknown = first('unknown-type');
  if (unknown !== undefined) return invalid(told, 'unknown-task-type', 'Unknown task type', unknown);
  const periodic = first('periodic-type');
  if (periodic !== undefined) return invalid(told, 'periodic-task-type', 'Periodic task type', periodic);
  if (first('invalid-params') !== undefined) return invalid(told, 'invalid-params', 'Invalid params');
  return invalid(told);
}

function toProblem(error: unknown, method: string): Problem | undefined {
  return error instanceof Problem ? error : (ofHeddle(error) ?? ofDatabase([...causesOf(error)], method));
}

/** What the floors below refuse. */
function ofHeddle(error: unknown): Problem | undefined {
  if (error instanceof SameWorkError) {
    return new Problem(409, 'same-work', 'Same work under way', `Not done: ${error.message}.`);
  }
  if (error instanceof KeyInProgressError) {
    const detail = 'A request with this Idempotency-Key is still under way.';
    return new Problem(409, 'idempotency-in-progress', 'In progress', detail, {
      headers: { 'Retry-After': '1' },
    });
  }
  if (error instanceof KeyReusedError) {
    const detail = 'This Idempotency-Key was used with another body: each request needs one of its own.';
    return new Problem(422, 'idempotency-key-reused', 'Idempotency-Key reused', detail);
  }
  if (error instanceof TooManyWaitingError) {
    return unavailable('overloaded', 'Overloaded', 'Submissions come faster than the database takes them.');
  }
  return undefined;
}

function ofDatabase(causes: readonly (Error & { code?: string })[], method: string): Problem | undefined {
  if (causes.some(isAway)) {
    const isOpen = method !== 'GET' && method !== 'HEAD' && causes.some(leavesOutcomeOpen);
    const detail = `The database cannot be reached at the moment.${isOpen ? OUTCOME_OPEN : ''}`;
    return unavailable('database-away', 'Database away', detail);
  }
  if (causes.some(isPassing)) {
    return unavailable('database-busy', 'Database busy', 'Others were in the way again and again.');
  }
  if (causes.some(isNotMigrated)) {
    return unavailable('not-migrated', 'Not migrated', 'The database has not been migrated yet.');
  }
  return undefined;
}

/** The statement may be carried out, or have been, though its answer did not come. */
const OUTCOME_OPEN =
  ' Whether this request had an effect is not known. With an Idempotency-Key it is safe to repeat it with the same key.';

function unavailable(type: string, title: string, detail: string): Problem {
  return new Problem(503, type, title, detail, { headers: { 'Retry-After': '2' } });
}

/** The error, and what caused it: drizzle wraps the errors of pg. */
function* causesOf(error: unknown): Generator<Error & { code?: string }> {
  for (let cause = error; cause instanceof Error; cause = cause.cause) yield cause;
}

/** A table, column or function is not there: the runner, which migrates, has not come that far. */
function isNotMigrated({ code }: { code?: string }): boolean {
  return code === '42P01' || code === '42703' || code === '42883';
}

/** drizzle's own errors hold the statement and its values: what it wraps is told instead. */
function messageOf(error: Error): string {
  return [...causesOf(error)].at(-1)?.message ?? error.message;
}
