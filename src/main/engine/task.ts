import type { taskAttempts, tasks } from '../../../drizzle/schema/tasks.ts';

/*
 * Read first: the six states of a task, and who moves it between them.
 *
 *            run_immediately = false, or dependencies that have not ended
 *   submit ──▶ created ──run──▶ queued ──claim──▶ running ──settle──▶ completed
 *     │                           ▲                 │
 *     └───────────────────────────┤                 ├──settle──▶ failed      permanent, or retries used up
 *                                 └── retry, snooze,┘
 *                                     rescue, given back            cancelled  from created, queued and running
 */

/** A row of `tasks`, as pg reads it: times are `Date`, `claim_token` is a decimal string. */
export type TaskRow = Omit<typeof tasks.$inferSelect, 'claim_token'> & { claim_token: string | null };

export type Status = TaskRow['status'];

/** How an attempt ended. `succeeded` and `duplicate` leave no row in `task_attempts`. */
export type OutcomeName = (typeof taskAttempts.$inferSelect)['outcome'];

export const STATUSES: readonly Status[] = [
  'created',
  'queued',
  'running',
  'completed',
  'failed',
  'cancelled',
];

/** A task in one of these never changes again by itself. */
export const FINISHED: readonly Status[] = ['completed', 'failed', 'cancelled'];

export function isFinished(status: Status): boolean {
  return FINISHED.includes(status);
}

/** The name of the error with which an attempt ends that is taken back from a dead runner. */
export const RUNNER_DIED = 'RunnerDied';
