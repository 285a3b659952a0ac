import { toInstantText } from '../database/instant.ts';
import { newId } from '../database/new-id.ts';
import { type VisibleTask, visibleTask } from '../database/tasks.ts';
import type { Submission, Submitted } from './submit.ts';
import { hasDependencies } from './submit-dependent.ts';
import type { TaskType } from './task-types.ts';

/** A task that is to be inserted. */
export interface NewTask {
  row: NewRow;
  /** The row as JSON: written once, for whichever statement takes it. */
  json: string;
}

/** What the database decided of the tasks of one statement. */
export interface Decided {
  created_at: Date;
  /** Of those that are not simply due now, without a key. */
  others: Other[] | null;
}

/** Its times are as PostgreSQL's JSON has them. */
interface Other {
  /** From 0. */
  position: number;
  run_at: string;
  max_retries: number;
  unique_key: string | null;
  /** The whole row of the task that was there already. */
  existing: Record<keyof VisibleTask, unknown> | null;
}

/** Makes a new task of a checked submission. */
export function toNewTask(submission: Submission, type: TaskType['row'], submittedBy: string): NewTask {
  const row = toRow(submission, type, submittedBy);
  return { row, json: JSON.stringify(row) };
}

/** Whether SUBMIT_PLAIN can insert it: it is due now and has no key. */
export function isPlain({ row }: NewTask): boolean {
  const { run_at, delay_seconds, unique_key, by_payload } = row;
  return (run_at ?? delay_seconds ?? unique_key ?? by_payload) === undefined;
}

export function isQueued({ row }: NewTask): boolean {
  return row.status === 'queued';
}

/** What became of new tasks, from what was asked for and what the database made of it. */
export function toSubmitted(tasks: readonly NewTask[], { created_at, others }: Decided): Submitted[] {
  const now = created_at.toISOString();
  const submitted = tasks.map(({ row }) => ({ task: toTask(row, now), deduplicated: false }));
  for (const { position, run_at, max_retries, unique_key, existing } of others ?? []) {
    const { task } = submitted[position] as Submitted;
    submitted[position] =
      existing === null
        ? { task: { ...task, run_at: toInstantText(run_at), max_retries, unique_key }, deduplicated: false }
        : { task: visibleTask(existing), deduplicated: true };
  }
  return submitted;
}

type NewRow = ReturnType<typeof toRow>;

/** For the statement, which reads it with `jsonb_to_recordset`: what is undefined is not in its JSON. */
function toRow(submission: Submission, type: TaskType['row'], submittedBy: string) {
  return {
    id: newId(),
    type: submission.type,
    params: submission.params ?? {},
    description: submission.description ?? undefined,
    domain: submission.domain ?? undefined,
    drift_score: submission.drift_score ?? undefined,
    status: isHeld(submission) ? ('created' as const) : ('queued' as const),
    priority: submission.priority ?? undefined,
    run_at: submission.run_at ?? undefined,
    delay_seconds: submission.delay_seconds ?? undefined,
    max_retries: submission.max_retries ?? type.max_retries,
    timeout_seconds: submission.timeout_seconds ?? undefined,
    unique_key: submission.unique_key ?? undefined,
    traceparent: submission.traceparent ?? undefined,
    by_payload: type.deduplicate === 'payload' || undefined,
    submitted_by: submittedBy,
  };
}

/** Until somebody runs it, or what it depends on has ended. */
function isHeld(submission: Submission): boolean {
  return submission.run_immediately === false || hasDependencies(submission);
}

/** A task that is new and due now: what nobody said has the table's defaults. */
function toTask(row: NewRow, created_at: string): VisibleTask {
  return {
    id: row.id,
    type: row.type,
    description: row.description ?? null,
    params: row.params,
    domain: row.domain ?? null,
    drift_score: row.drift_score ?? 0,
    status: row.status,
    result: null,
    error: null,
    created_at,
    updated_at: created_at,
    priority: row.priority ?? 0,
    run_at: created_at,
    attempt: 0,
    max_retries: row.max_retries,
    started_at: null,
    finished_at: null,
    last_run_at: null,
    progress: null,
    unique_key: null,
    depends_on: [],
    runner_id: null,
    cancel_requested_at: null,
  };
}
