import type { RetryPolicy, TaskError } from '../../../drizzle/schema/tasks.ts';
import { retryDelaySeconds } from './backoff.ts';
import type { OutcomeName, Status } from './task.ts';

/** How an attempt ended. Results are JSON text, `null` for nothing. */
export type Outcome =
  | { name: 'succeeded'; result: string | null }
  /** Retryable. */
  | { name: 'failed'; error: TaskError }
  /** Permanent. */
  | { name: 'invalid'; error: TaskError }
  | { name: 'timed_out'; error: TaskError }
  | { name: 'cancelled'; error: TaskError }
  /** Its runner died. */
  | { name: 'lost'; error: TaskError }
  /** The runner is stopping. */
  | { name: 'given_back'; error: TaskError | null }
  | { name: 'snoozed'; seconds: number; error: TaskError }
  /** Another unfinished task does the same. */
  | { name: 'duplicate'; of: string };

/** What of a task decides what an outcome means. */
export interface Attempted {
  /** The attempt that ended: 1 is the first. */
  attempt: number;
  /** Earlier attempts that do not count, because somebody ran the task anew. */
  attempts_forgiven: number;
  max_retries: number;
  cancel_requested: boolean;
  retry: RetryPolicy;
}

/** The task's next state. */
export interface Decision {
  status: Exclude<Status, 'created' | 'running'>;
  /** For a queued task: in how many seconds it is due. */
  delaySeconds: number;
  /** 1 when the attempt does not count. */
  attemptsBack: 0 | 1;
  result: string | null;
  error: string | null;
  /** How the attempt is recorded, or null when the task's own row tells enough. */
  record: { outcome: OutcomeName; error: TaskError | null } | null;
}

/**
 * Decides what an attempt's outcome means for its task.
 * @param random from 0 up to 1, for the jitter of a retry
 */
export function decide(task: Attempted, outcome: Outcome, random: number): Decision {
  // Who asked for a cancel was told that it will be: whatever the attempt still achieved, the task stays cancelled.
  if (task.cancel_requested) return cancelled(outcome);
  switch (outcome.name) {
    case 'succeeded':
      return { ...DONE, status: 'completed', result: outcome.result };
    case 'failed':
    case 'timed_out':
      return retryOrFail(task, outcome, retryDelaySeconds(task.retry, tries(task), random));
    case 'lost':
      // The task did nothing wrong: it need not cool down.
      return retryOrFail(task, outcome, 0);
    case 'invalid':
      return { ...DONE, status: 'failed', error: outcome.error.message, record: record(outcome) };
    case 'cancelled':
      return cancelled(outcome);
    case 'given_back':
      return {
        ...DONE,
        status: 'queued',
        attemptsBack: 1,
        record: outcome.error === null ? null : record(outcome),
      };
    case 'snoozed':
      return {
        ...DONE,
        status: 'queued',
        delaySeconds: outcome.seconds,
        attemptsBack: 1,
        error: outcome.error.message,
        record: record(outcome),
      };
    case 'duplicate':
      return duplicate(outcome.of);
  }
}

/** Whether an attempt has failed and its task is to be tried again. */
export function isRetry(outcome: string, status: string): boolean {
  return status === 'queued' && (outcome === 'failed' || outcome === 'timed_out' || outcome === 'lost');
}

const DONE: Decision = {
  status: 'completed',
  delaySeconds: 0,
  attemptsBack: 0,
  result: null,
  error: null,
  record: null,
};

const CANCELLED = 'cancelled while it was running';

/** Attempts that count, this one with them. */
function tries(task: Attempted): number {
  return task.attempt - task.attempts_forgiven;
}

function retryOrFail(
  task: Attempted,
  outcome: { name: 'failed' | 'timed_out' | 'lost'; error: TaskError },
  delaySeconds: number,
): Decision {
  const again = tries(task) <= task.max_retries;
  return {
    ...DONE,
    status: again ? 'queued' : 'failed',
    delaySeconds: again ? delaySeconds : 0,
    error: outcome.error.message,
    record: record(outcome),
  };
}

function cancelled(outcome: Outcome): Decision {
  const neverRan = outcome.name === 'given_back' && outcome.error === null;
  const message = neverRan ? 'cancelled before it ran' : CANCELLED;
  const error = 'error' in outcome && outcome.error !== null ? outcome.error : { name: 'Cancelled', message };
  return {
    ...DONE,
    status: 'cancelled',
    attemptsBack: neverRan ? 1 : 0,
    error: message,
    record: { outcome: 'cancelled', error },
  };
}

/** The attempt is recorded as cancelled: it ended by a decision, and not by itself. */
function duplicate(of: string): Decision {
  const message = `task ${of} does the same and is not finished`;
  const record = { outcome: 'cancelled', error: { name: 'Duplicate', message } } as const;
  return { ...DONE, status: 'cancelled', attemptsBack: 1, error: message, record };
}

function record(outcome: { name: OutcomeName; error: TaskError | null }): Decision['record'] {
  return { outcome: outcome.name, error: outcome.error };
}
