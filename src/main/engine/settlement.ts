import type { TaskError } from '../../../drizzle/schema/tasks.ts';
import type { ClaimedTask } from './claimed-task.ts';
import type { Attempted, Outcome } from './outcome.ts';

/** An attempt that has ended, on its way into the database. */
export interface Settlement {
  task: Pick<ClaimedTask, 'id' | 'type' | 'claim_token'> & Attempted;
  /** Its type is periodic, and its end is counted. */
  isTick?: boolean;
  outcome: Outcome;
  /** The task has called `complete`: its own transaction has settled it, if that was committed. */
  settledByTask: boolean;
  ranMs: number;
  /** From when it was due until it began; null when that is not known, or it never did. */
  waitedMs: number | null;
  /** When it ended, by `performance.now()`. */
  endedAt: number;
  threadId: number | null;
}

/** A claimed task that no thread has started: it is given back untouched. */
export function neverStarted(task: Omit<Settlement['task'], 'retry'>): Settlement {
  return {
    task: { ...task, retry: { strategy: 'cooldown', seconds: 0 } },
    outcome: { name: 'given_back', error: null },
    settledByTask: false,
    ranMs: 0,
    waitedMs: null,
    endedAt: performance.now(),
    threadId: null,
  };
}

/** What an outcome means that the database refuses. */
export function refused(settlement: Settlement, name: 'failed' | 'invalid', reason: string): Settlement {
  const error: TaskError = { name: 'SettleError', message: `its outcome cannot be stored: ${reason}` };
  return { ...settlement, outcome: { name, error } };
}

/** What an outcome means of a task that has called `complete`, and is running all the same. */
export function notCommitted(outcome: Outcome): Outcome {
  if (outcome.name !== 'succeeded') return outcome;
  return {
    name: 'failed',
    error: { name: 'Error', message: 'complete() was called, but its transaction was not committed' },
  };
}
