import type { Queryable } from '../database/connect.ts';
import { unstorable } from '../database/storable.ts';
import type { VisibleTask } from '../database/tasks.ts';
import { type Decided, type NewTask, toNewTask, toSubmitted } from './new-task.ts';
import { SUBMIT, WAKE } from './sql/submit.ts';
import { SubmissionError, type SubmissionFault } from './submission-error.ts';
import { hasDependencies, submitDependent } from './submit-dependent.ts';
import type { TaskType, TaskTypeCatalogue } from './task-types.ts';

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
  const tasks = await check(catalogue, submissions, submittedBy);
  if (!submissions.some(hasDependencies)) return insert(database, tasks);
  return submitDependent(database, submissions, (client) => insert(client, tasks));
}

/**
 * Checks submissions and makes new tasks of them, without the database but for the types.
 * @throws SubmissionError when a type is unknown or something in a submission is invalid
 */
export async function check(
  catalogue: TaskTypeCatalogue,
  submissions: readonly Submission[],
  submittedBy: string,
): Promise<NewTask[]> {
  const known = await catalogue.find(submissions.map((submission) => submission.type));
  const faults = submissions.flatMap((submission, index) => faultsOf(submission, index, known));
  if (faults.length > 0) throw new SubmissionError(faults, databaseTypes(known));
  return submissions.map((submission) =>
    toNewTask(submission, (known.get(submission.type) as TaskType).row, submittedBy),
  );
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
  const { rows } = await database.query<Decided>({
    name: 'submit',
    text: SUBMIT,
    values: [`[${tasks.map((task) => task.json).join()}]`, wakes],
  });
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
  const delays = queued.map(({ task }) => task.run_at.getTime() - task.created_at.getTime());
  await database.query(WAKE, [String(Math.max(0, Math.min(...delays)))]);
}

function faultsOf(
  submission: Submission,
  index: number,
  known: ReadonlyMap<string, TaskType>,
): SubmissionFault[] {
  const type = known.get(submission.type);
  if (type === undefined) return [unknownType(submission.type, index, known)];
  if (type.row.kind === 'periodic') return [periodicType(submission.type, index)];
  const bad = unstorable(submission);
  // Such values are not shown to a schema: it might recurse as deep as they do.
  if (bad.length > 0) return bad.map((fault) => ({ kind: 'invalid-field', index, ...fault }));
  return [...paramsFaults(submission, index, type), ...fieldFaults(submission, index, type)];
}

function unknownType(name: string, index: number, known: ReadonlyMap<string, TaskType>): SubmissionFault {
  const names = databaseTypes(known).join(', ') || 'none';
  return {
    kind: 'unknown-type',
    index,
    pointer: '/type',
    detail: `There is no task type '${name}'. Known are: ${names}.`,
  };
}

function periodicType(name: string, index: number): SubmissionFault {
  return {
    kind: 'periodic-type',
    index,
    pointer: '/type',
    detail: `'${name}' is a periodic task: the scheduler submits it.`,
  };
}

function paramsFaults({ params }: Submission, index: number, type: TaskType): SubmissionFault[] {
  return type
    .faultsOf(params ?? {})
    .map(({ pointer, detail }) => ({ kind: 'invalid-params', index, pointer: `/params${pointer}`, detail }));
}

function* fieldFaults(submission: Submission, index: number, type: TaskType): Generator<SubmissionFault> {
  const longest = type.row.timeout_seconds;
  if (submission.run_at != null && submission.delay_seconds != null) {
    const detail = 'cannot be combined with run_at';
    yield { kind: 'invalid-field', index, pointer: '/delay_seconds', detail };
  }
  if (submission.timeout_seconds != null && submission.timeout_seconds > longest) {
    const detail = `may only shorten the type's timeout of ${longest} s`;
    yield { kind: 'invalid-field', index, pointer: '/timeout_seconds', detail };
  }
}

function databaseTypes(known: ReadonlyMap<string, TaskType>): string[] {
  return [...known.values()].filter((type) => type.row.kind === 'database').map((type) => type.row.name);
}
