import { isTooDeep, looksStorable, unstorable } from '../database/storable.ts';
import { type NewTask, toNewTask } from './new-task.ts';
import { SubmissionError, type SubmissionFault } from './submission-error.ts';
import type { Submission } from './submit.ts';
import type { TaskType } from './task-types.ts';

/**
 * Checks submissions and makes new tasks of them.
 * @param known the types of the catalogue, which was asked for those of the submissions
 * @throws SubmissionError when a type is unknown or something in a submission is invalid
 */
export function check(
  known: ReadonlyMap<string, TaskType>,
  submissions: readonly Submission[],
  submittedBy: string,
): NewTask[] {
  const checked = submissions.map((submission, index) => checkOne(submission, index, known, submittedBy));
  const faults = checked.flatMap((one) => (Array.isArray(one) ? one : []));
  if (faults.length > 0) throw new SubmissionError(faults, databaseTypes(known));
  return checked as NewTask[];
}

/** @returns the new task, or what is wrong */
function checkOne(
  submission: Submission,
  index: number,
  known: ReadonlyMap<string, TaskType>,
  submittedBy: string,
): NewTask | SubmissionFault[] {
  const type = known.get(submission.type);
  if (type === undefined) return [unknownType(submission.type, index, known)];
  if (type.row.kind === 'periodic') return [periodicType(submission.type, index)];
  // What is too deep is neither written nor shown to a schema: both might recurse as deep as it does.
  const task = isTooDeep(submission) ? undefined : toNewTask(submission, type.row, submittedBy);
  if (task === undefined || !looksStorable(task.json)) {
    const bad = unstorable(submission);
    if (bad.length > 0) return bad.map((fault) => ({ kind: 'invalid-field', index, ...fault }));
  }
  const faults = [...paramsFaults(submission, index, type), ...fieldFaults(submission, index, type)];
  return faults.length > 0 ? faults : (task as NewTask);
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

function fieldFaults(submission: Submission, index: number, type: TaskType): SubmissionFault[] {
  const faults: SubmissionFault[] = [];
  const longest = type.row.timeout_seconds;
  if (submission.run_at != null && submission.delay_seconds != null) {
    const detail = 'cannot be combined with run_at';
    faults.push({ kind: 'invalid-field', index, pointer: '/delay_seconds', detail });
  }
  if (submission.timeout_seconds != null && submission.timeout_seconds > longest) {
    const detail = `may only shorten the type's timeout of ${longest} s`;
    faults.push({ kind: 'invalid-field', index, pointer: '/timeout_seconds', detail });
  }
  return faults;
}

function databaseTypes(known: ReadonlyMap<string, TaskType>): string[] {
  return [...known.values()].filter((type) => type.row.kind === 'database').map((type) => type.row.name);
}
