import type { TaskError, taskAttempts, taskEvents } from '../../../drizzle/schema/tasks.ts';
import type { OutcomeName, Status, TaskRow } from './task.ts';

/*
 * A task's history, told from what is kept of it: its own row, the attempts that did not complete it, and what was
 * done to it by hand. The attempt that is running and the one that completed the task have no row of their own: that
 * keeps the happy path at one write.
 */

/** One execution, ended or still running. */
export interface Attempt {
  attempt: number;
  runner_id: string | null;
  thread_id: number | null;
  started_at: Date | null;
  finished_at: Date | null;
  /** `null` while it runs. */
  outcome: OutcomeName | null;
  error: TaskError | null;
}

/** One state change. A request to cancel a running task counts as one, from `running` to `running`. */
export interface StateChange {
  at: Date;
  from: string | null;
  to: string;
  attempt: number;
  /** `api:NAME`, `runner:ID`, `rescue`, … */
  actor: string;
  detail: string | null;
}

export type OwnRow = Pick<
  TaskRow,
  | 'status'
  | 'attempt'
  | 'runner_id'
  | 'thread_id'
  | 'started_at'
  | 'finished_at'
  | 'created_at'
  | 'submitted_by'
>;
export type AttemptRow = Attempt & Pick<typeof taskAttempts.$inferSelect, 'status_after'>;
export type EventRow = Omit<typeof taskEvents.$inferSelect, 'id' | 'task_id'>;

/** All attempts, oldest first. @param rows of `task_attempts`, oldest first */
export function attemptsOf(task: OwnRow, rows: readonly AttemptRow[]): Attempt[] {
  const attempts = rows.map(({ status_after: _status, ...attempt }) => attempt);
  if (task.status !== 'running' && task.status !== 'completed') return attempts;
  const { attempt, runner_id, thread_id, started_at, finished_at } = task;
  const outcome = task.status === 'completed' ? 'succeeded' : null;
  return [...attempts, { attempt, runner_id, thread_id, started_at, finished_at, outcome, error: null }];
}

/**
 * Every state change, oldest first.
 * @param rows of `task_attempts`, oldest first
 * @param byHand of `task_events`, oldest first
 */
export function eventsOf(
  task: OwnRow,
  rows: readonly AttemptRow[],
  byHand: readonly EventRow[],
): StateChange[] {
  const after: Status[] = rows.map((row) => row.status_after as Status);
  const attempts = attemptsOf(task, rows).flatMap((attempt, index) => [
    ...changesOf(attempt, after[index] ?? task.status),
  ]);
  return inOrder([submission(task, byHand), ...byHand.map(toChange), ...attempts]);
}

/** A task that is `created`, or was until somebody moved it on, was submitted as such. */
function submission(task: OwnRow, byHand: readonly EventRow[]): StateChange {
  const wasCreated = task.status === 'created' || byHand[0]?.from_status === 'created';
  return {
    at: task.created_at,
    from: null,
    to: wasCreated ? 'created' : 'queued',
    attempt: 0,
    actor: task.submitted_by,
    detail: null,
  };
}

function toChange({ at, from_status, to_status, attempt, actor, detail }: EventRow): StateChange {
  return { at, from: from_status, to: to_status, attempt, actor, detail };
}

function* changesOf(ended: Attempt, statusAfter: Status): Generator<StateChange> {
  const { attempt, runner_id, started_at, finished_at, outcome, error } = ended;
  const actor = `runner:${runner_id}`;
  if (started_at !== null) {
    yield { at: started_at, from: 'queued', to: 'running', attempt, actor, detail: null };
  }
  if (finished_at === null || outcome === null) return;
  yield {
    at: finished_at,
    from: 'running',
    to: statusAfter,
    attempt,
    // A lost attempt's runner can do nothing any more: the leader ended it.
    actor: outcome === 'lost' ? 'rescue' : actor,
    detail: error === null ? outcome : detail(outcome, error.message),
  };
}

/** Messages often begin with the outcome already: `lost: runner … died`. */
function detail(outcome: string, message: string): string {
  return message.startsWith(outcome) ? message : `${outcome}: ${message}`;
}

/** By time; what happened in the same millisecond by what follows from what. */
function inOrder(changes: readonly StateChange[]): StateChange[] {
  const left = [...changes].sort((a, b) => a.at.getTime() - b.at.getTime());
  const ordered: StateChange[] = [];
  while (left.length > 0) {
    const status = ordered.at(-1)?.to ?? null;
    const at = left[0]?.at.getTime();
    const next = left.findIndex((change) => change.at.getTime() === at && change.from === status);
    ordered.push(...left.splice(Math.max(next, 0), 1));
  }
  return ordered;
}
