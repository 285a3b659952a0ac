import type { DatabaseError } from 'pg';
import { inTransaction, type Queryable } from '../database/connect.ts';
import { type VisibleTask, visibleTask } from '../database/tasks.ts';
import { cycleAmong, referenced } from './dependency-graph.ts';
import { DEPEND, DEPENDANTS, WAIT_FOR } from './sql/dependencies.ts';
import { SubmissionError, type SubmissionFault } from './submission-error.ts';
import type { Submission, Submitted } from './submit.ts';

/** Whether a submission says that its task has to wait for others. */
export function hasDependencies({ depends_on }: Submission): boolean {
  return depends_on != null && depends_on.length > 0;
}

/**
 * Submits tasks of which some depend on others, in one transaction: their rows are inserted, then they are made to
 * wait. What was there already keeps the dependencies that it has.
 * @param insert inserts all rows, the dependent ones as `created`
 * @throws SubmissionError when a dependency does not exist, or they go in a circle
 */
export async function submitDependent(
  database: Queryable,
  submissions: readonly Submission[],
  insert: (client: Queryable) => Promise<Submitted[]>,
): Promise<Submitted[]> {
  const outside = submissions.flatMap((submission, index) =>
    pointsOutside(submission, index, submissions.length),
  );
  if (outside.length > 0) throw refused(outside);
  return inTransaction(database, async (client) => {
    const submitted = await insert(client);
    const waiting = submissions.flatMap((submission, index) => toWaiting(submission, index, submitted));
    refuseCycle(waiting);
    const now = await depend(client, waiting);
    return submitted.map(({ task, deduplicated }) => ({ task: now.get(task.id) ?? task, deduplicated }));
  });
}

/** A new task, and what it is to wait for. */
interface Waiting {
  /** Which submission. */
  index: number;
  id: string;
  /** As the submission names them, and the ids that are meant. */
  references: readonly string[];
  meant: readonly string[];
  on_dependency_failure: 'cancel' | 'run';
  run_when_released: boolean;
}

function pointsOutside({ depends_on }: Submission, index: number, count: number): SubmissionFault[] {
  return (depends_on ?? []).flatMap((reference, place) => {
    const at = referenced(reference);
    if (at === null || at < count) return [];
    return [
      fault(
        index,
        place,
        count === 1 ? 'is not part of a batch' : `there are only ${count} tasks in this batch`,
      ),
    ];
  });
}

function toWaiting(submission: Submission, index: number, submitted: readonly Submitted[]): Waiting[] {
  const { task, deduplicated } = submitted[index] as Submitted;
  if (deduplicated || !hasDependencies(submission)) return [];
  const references = submission.depends_on ?? [];
  const meant = references.map((reference) => {
    const at = referenced(reference);
    return at === null ? reference.toLowerCase() : (submitted[at] as Submitted).task.id;
  });
  return [
    {
      index,
      id: task.id,
      references,
      meant,
      on_dependency_failure: submission.on_dependency_failure ?? 'cancel',
      run_when_released: submission.run_immediately !== false,
    },
  ];
}

/** Looked for among ids: two of a batch can turn out to be the same task. */
function refuseCycle(waiting: readonly Waiting[]): void {
  const cycle = cycleAmong(new Map(waiting.map(({ id, meant }) => [id, meant])));
  if (cycle === null) return;
  const places = cycle.map((id) => waiting.findIndex((one) => one.id === id));
  const { index, meant } = waiting[places[0] as number] as Waiting;
  const names = places.map((place) => `#${(waiting[place] as Waiting).index}`);
  const next = cycle[1] ?? cycle[0];
  const detail =
    cycle.length === 1
      ? 'a task cannot depend on itself'
      : `goes in a circle: ${[...names, names[0]].join(' → ')}`;
  throw refused([fault(index, meant.indexOf(next as string), detail)]);
}

/** @returns the waiting tasks as they are then, by id */
async function depend(client: Queryable, waiting: readonly Waiting[]): Promise<Map<string, VisibleTask>> {
  const ids = waiting.map(({ id }) => id);
  const rows = waiting.map(({ id, meant, on_dependency_failure, run_when_released }) => {
    return { id, depends_on: [...new Set(meant)], on_dependency_failure, run_when_released };
  });
  await client.query({ name: 'wait-for', text: WAIT_FOR, values: [JSON.stringify(rows)] });
  try {
    await client.query({ name: 'depend', text: DEPEND, values: [ids] });
  } catch (error) {
    throw toRefusal(error as DatabaseError, waiting);
  }
  const { rows: now } = await client.query<VisibleTask>({
    name: 'dependants',
    text: DEPENDANTS,
    values: [ids],
  });
  return new Map(now.map((row) => [row.id, visibleTask(row)]));
}

function toRefusal(error: DatabaseError, waiting: readonly Waiting[]): Error {
  if (error.constraint !== 'task_dependencies_known') return error;
  const unknown = new Set(error.detail?.split('\n'));
  return refused(
    waiting.flatMap(({ index, references, meant }) =>
      references.flatMap((reference, place) =>
        unknown.has(meant[place] as string) ? [fault(index, place, `there is no task '${reference}'`)] : [],
      ),
    ),
  );
}

function fault(index: number, place: number, detail: string): SubmissionFault {
  return { kind: 'invalid-field', index, pointer: `/depends_on/${place}`, detail };
}

function refused(faults: SubmissionFault[]): SubmissionError {
  return new SubmissionError(faults, []);
}
