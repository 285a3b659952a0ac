import { v7 as uuidV7 } from 'uuid';
import type { Queryable } from '../database/connect.ts';
import { unstorable } from '../database/storable.ts';
import { SUBMIT } from './sql/submit.ts';
import type { TaskRow } from './task.ts';
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
}

export interface Submitted {
  task: TaskRow;
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
  const known = await catalogue.find(submissions.map((submission) => submission.type));
  const faults = submissions.flatMap((submission, index) => faultsOf(submission, index, known));
  if (faults.length > 0) throw new SubmissionError(faults, databaseTypes(known));

  const rows = submissions.map((submission) => toRow(submission, known.get(submission.type) as TaskType));
  const { rows: answers } = await database.query<TaskRow & { position: number; deduplicated: boolean }>({
    name: 'submit',
    text: SUBMIT,
    values: [JSON.stringify(rows), submittedBy],
  });
  return answers.map(({ position: _position, deduplicated, ...task }) => ({ task, deduplicated }));
}

/** What is wrong with the submissions: nothing of them was accepted. */
export class SubmissionError extends Error {
  override name = 'SubmissionError';
  readonly faults: readonly SubmissionFault[];
  /** The types that can be submitted. */
  readonly knownTypes: readonly string[];
  constructor(faults: readonly SubmissionFault[], knownTypes: readonly string[]) {
    super(faults.map((fault) => `${fault.pointer}: ${fault.detail}`).join('; '));
    this.faults = faults;
    this.knownTypes = knownTypes;
  }
}

export interface SubmissionFault {
  kind: 'unknown-type' | 'periodic-type' | 'invalid-params' | 'invalid-field';
  /** Which submission. */
  index: number;
  /** Into the submission: `/params/text`. */
  pointer: string;
  detail: string;
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

/** A row for the statement, which reads it with `jsonb_to_recordset`. */
function toRow(submission: Submission, type: TaskType) {
  return {
    id: uuidV7(),
    type: submission.type,
    params: submission.params ?? {},
    description: submission.description ?? null,
    domain: submission.domain ?? null,
    drift_score: submission.drift_score ?? 0,
    status: submission.run_immediately === false ? 'created' : 'queued',
    priority: submission.priority ?? 0,
    run_at: submission.run_at ?? null,
    delay_seconds: submission.delay_seconds ?? 0,
    max_retries: submission.max_retries ?? type.row.max_retries,
    timeout_seconds: submission.timeout_seconds ?? null,
    unique_key: submission.unique_key ?? null,
    by_payload: type.row.deduplicate === 'payload',
  };
}
