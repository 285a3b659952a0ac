import type { Queryable } from '../database/connect.ts';
import type { VisibleTask } from '../database/tasks.ts';
import { check } from './check.ts';
import { type Decided, isPlain, isQueued, type NewTask, toSubmitted } from './new-task.ts';
import { SUBMIT, SUBMIT_PLAIN, WAKE } from './sql/submit.ts';
import { hasDependencies, submitDependent } from './submit-dependent.ts';
import type { TaskTypeCatalogue } from './task-types.ts';

/** A piece of work asked for. */
export interface Submission {
  type: string;
  /** @default {} */
  params?: unknown;
  description?: string | null | undefined;
  domain?: string | null | undefined;
  drift_score?: number | null | undefined;
  /** `false` leaves it `created` until somebody runs it. */
  run_immediately?: boolean | null | undefined;
  priority?: number | null | undefined;
  /** In the past: due now. */
  run_at?: Date | null | undefined;
  delay_seconds?: number | null | undefined;
  max_retries?: number | null | undefined;
  timeout_seconds?: number | null | undefined;
  unique_key?: string | null | undefined;
  /** Ids of tasks, or `#3` for the fourth of the same call. It waits until all of them have ended. */
  depends_on?: readonly string[] | null | undefined;
  /** What becomes of it when one of them fails or is cancelled. @default 'cancel' */
  on_dependency_failure?: 'cancel' | 'run' | null | undefined;
  /** The trace that it belongs to, as W3C's header of that name has it. */
  traceparent?: string | null | undefined;
}

export interface Submitted {
  /** As reading it would give it at this moment. */
  task: VisibleTask;
  /** The task was there already: no second one was added, and its `max_retries` went up by one. */
  deduplicated: boolean;
}

/**
 * Submits tasks, all of them or none, and wakes the runners. They are committed when this returns, unless `database`
 * is a client in a transaction: then with that.
 * @param submittedBy who asks: `api:NAME`, `task:ID`, `cli`
 * @returns in the order of `submissions`
 * @throws SubmissionError when a type is unknown or something in a submission is invalid
 */
export async function submit(
  database: Queryable,
  catalogue: TaskTypeCatalogue,
  submissions: readonly Submission[],
  submittedBy: string,
): Promise<Submitted[]> {
  const types = await catalogue.find(submissions.map((submission) => submission.type));
  const tasks = check(types, submissions, submittedBy);
  if (!submissions.some(hasDependencies)) return insert(database, tasks);
  return submitDependent(database, submissions, (client) => insert(client, tasks));
}

/**
 * Inserts new tasks, whoever they are of, in one statement.
 * @param wakes whether the runners are woken as soon as it is committed; else see `wake`
 * @returns what became of each, in their order
 */
export async function insert(
  database: Queryable,
  tasks: readonly NewTask[],
  wakes = true,
): Promise<Submitted[]> {
  const json = `[${tasks.map((task) => task.json).join()}]`;
  const statement = tasks.every(isPlain)
    ? { name: 'submit-plain', text: SUBMIT_PLAIN, values: [json, wakes && tasks.some(isQueued)] }
    : { name: 'submit', text: SUBMIT, values: [json, wakes] };
  const { rows } = await database.query<Decided>(statement);
  return toSubmitted(tasks, rows[0] as Decided);
}

/**
 * Wakes the runners for tasks that have been committed. For those who commit one transaction a task: PostgreSQL lets
 * transactions that notify commit only one after the other, each with its own wait for the disk.
 */
export async function wake(database: Queryable, submitted: readonly Submitted[]): Promise<void> {
  const queued = submitted.filter(({ task }) => task.status === 'queued');
  if (queued.length === 0) return;
  // Both times are the database's.
  const delays = queued.map(({ task }) => Date.parse(task.run_at) - Date.parse(task.created_at));
  await database.query(WAKE, [String(Math.max(0, Math.min(...delays)))]);
}
