import type { TaskError, taskAttempts, taskEvents } from '../../../drizzle/schema/tasks.ts';
import { FINISHED, type OutcomeName, RUNNER_DIED, type TaskRow } from './task.ts';

/*
 * A task's history, told from what is kept of it: its own row, the attempts that did not complete it, and what was
 * done to it by hand or by its dependencies. The attempt that is running and the one that completed the task have no row of their own: that
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

/** A state change, and what keeps it. */
export interface KeptChange extends StateChange {
  kept: Keeper;
}

/**
 * What keeps a state change. Of one task, numbers and tokens only grow: who comes later has waited for the row's lock,
 * and so a reader that has seen one of them has seen all those before it.
 */
export type Keeper =
  | { by: 'submission' }
  | { by: 'hand'; id: bigint }
  | { by: 'start' | 'end'; token: bigint };

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
> & { claim_token: bigint | null };
export type AttemptRow = Attempt & Pick<typeof taskAttempts.$inferSelect, 'claim_token' | 'status_after'>;
export type EventRow = Omit<typeof taskEvents.$inferSelect, 'task_id'>;

/** All attempts, oldest first. @param rows of `task_attempts`, oldest first */
export function attemptsOf(task: OwnRow, rows: readonly AttemptRow[]): Attempt[] {
  return withOwn(task, rows).map(({ status_after: _status, claim_token: _token, ...attempt }) => attempt);
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
  return changesOf(task, rows, byHand).map(({ kept: _kept, ...change }) => change);
}

/** The same, each with what keeps it. What is kept by attempts, and what by hand, is each in its own order. */
export function changesOf(
  task: OwnRow,
  rows: readonly AttemptRow[],
  byHand: readonly EventRow[],
): KeptChange[] {
  const first = submission(task, byHand);
  return [first, ...laterChanges(task, rows, byHand, first.to)];
}

/** The same without the submission. @param status of the task before the first of them */
export function laterChanges(
  task: OwnRow,
  rows: readonly AttemptRow[],
  byHand: readonly EventRow[],
  status: string,
): KeptChange[] {
  const ofAttempts = withOwn(task, rows).flatMap((attempt) => [...changesOfAttempt(attempt)]);
  return merged(ofAttempts, byHand.map(toChange), status);
}

/** The attempts that have a row of their own, and the one that the task's row tells of. */
function withOwn(task: OwnRow, rows: readonly AttemptRow[]): AttemptRow[] {
  if (task.status !== 'running' && task.status !== 'completed') return [...rows];
  const { attempt, runner_id, thread_id, started_at, finished_at, status: status_after } = task;
  const outcome = task.status === 'completed' ? 'succeeded' : null;
  // It always has a token; 0 is older than any.
  const claim_token = task.claim_token ?? 0n;
  const own = { attempt, runner_id, thread_id, started_at, finished_at, outcome, error: null } as const;
  return [...rows, { ...own, claim_token, status_after }];
}

/** A task that is `created`, or was until somebody moved it on, was submitted as such. */
function submission(task: OwnRow, byHand: readonly EventRow[]): KeptChange {
  const wasCreated = task.status === 'created' || byHand[0]?.from_status === 'created';
  return {
    at: task.created_at,
    from: null,
    to: wasCreated ? 'created' : 'queued',
    attempt: 0,
    actor: task.submitted_by,
    detail: null,
    kept: { by: 'submission' },
  };
}

function toChange({ id, at, from_status, to_status, attempt, actor, detail }: EventRow): KeptChange {
  return { at, from: from_status, to: to_status, attempt, actor, detail, kept: { by: 'hand', id } };
}

function* changesOfAttempt(row: AttemptRow): Generator<KeptChange> {
  const { attempt, runner_id, started_at, finished_at, outcome, error, claim_token: token } = row;
  const actor = `runner:${runner_id}`;
  if (started_at !== null) {
    const kept = { by: 'start', token } as const;
    yield { at: started_at, from: 'queued', to: 'running', attempt, actor, detail: null, kept };
  }
  if (finished_at === null || outcome === null) return;
  yield {
    at: finished_at,
    from: 'running',
    to: row.status_after,
    attempt,
    // A lost attempt's runner can do nothing any more: the leader ended it, also where a cancel was asked for.
    actor: outcome === 'lost' || error?.name === RUNNER_DIED ? 'rescue' : actor,
    detail: error === null ? outcome : detail(outcome, error.message),
    kept: { by: 'end', token },
  };
}

/** Messages often begin with the outcome already: `lost: runner … died`. */
function detail(outcome: string, message: string): string {
  return message.startsWith(outcome) ? message : `${outcome}: ${message}`;
}

/**
 * Two sequences as one, neither of them reordered: what follows from what, and only then by time. An attempt's end was
 * measured in its runner, some time before it was written: meanwhile somebody may have asked for its cancel. What is
 * told is never earlier than what it follows from.
 */
function merged(
  attempts: readonly KeptChange[],
  byHand: readonly KeptChange[],
  status: string,
): KeptChange[] {
  const [left, right] = [[...attempts], [...byHand]];
  const result: KeptChange[] = [];
  let now = status;
  while (left[0] !== undefined && right[0] !== undefined) {
    const next = (precedes(right[0], left[0], now) ? right.shift() : left.shift()) as KeptChange;
    result.push(next);
    now = next.to;
  }
  return neverBackwards([...result, ...left, ...right]);
}

function precedes(byHand: StateChange, ofAttempt: StateChange, status: string): boolean {
  const follows = byHand.from === status;
  if (follows !== (ofAttempt.from === status)) return follows;
  // It leaves the task as it is, and nobody can have asked for that once the task had finished.
  if (follows && byHand.to === status)
    return FINISHED.some((finished) => finished === ofAttempt.to) || byHand.at <= ofAttempt.at;
  return byHand.at < ofAttempt.at;
}

function neverBackwards(changes: readonly KeptChange[]): KeptChange[] {
  let latest = new Date(0);
  return changes.map((change) => {
    if (change.at >= latest) latest = change.at;
    return { ...change, at: latest };
  });
}
