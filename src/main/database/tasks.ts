import { and, eq, gte, ilike, inArray, lt, or, type SQL, sql } from 'drizzle-orm';
import { tasks } from '../../../drizzle/schema/tasks.ts';
import type { Status, TaskRow } from '../engine/task.ts';
import { instantText, toInstantText } from './instant.ts';
import type { Orm } from './orm.ts';
import { containing } from './search-text.ts';

/** What callers see of a task, in the order they see it. */
export const VISIBLE = {
  id: tasks.id,
  type: tasks.type,
  description: tasks.description,
  params: tasks.params,
  domain: tasks.domain,
  drift_score: tasks.drift_score,
  status: tasks.status,
  result: tasks.result,
  error: tasks.error,
  created_at: instantText(tasks.created_at),
  updated_at: instantText(tasks.updated_at),
  priority: tasks.priority,
  run_at: instantText(tasks.run_at),
  attempt: tasks.attempt,
  max_retries: tasks.max_retries,
  started_at: instantText(tasks.started_at),
  finished_at: instantText(tasks.finished_at),
  last_run_at: instantText(tasks.last_run_at),
  progress: tasks.progress,
  unique_key: tasks.unique_key,
  depends_on: tasks.depends_on,
  runner_id: tasks.runner_id,
  cancel_requested_at: instantText(tasks.cancel_requested_at),
};

/** Its times are text, as answers have them. */
export type VisibleTask = { [Field in keyof typeof VISIBLE]: Shown<TaskRow[Field]> };

type Shown<Value> = Value extends Date ? string : Value;

/**
 * A task as callers see it: these fields, in this order, and no other of the row.
 * @param row as pg reads it, or as PostgreSQL's JSON has it
 */
export function visibleTask(row: Readonly<Record<keyof VisibleTask, unknown>>): VisibleTask {
  return Object.fromEntries(
    FIELDS.map((field) => [field, TIMES.has(field) ? timeText(row[field]) : row[field]]),
  ) as VisibleTask;
}

const FIELDS = Object.keys(VISIBLE) as (keyof VisibleTask)[];

const TIMES: ReadonlySet<string> = new Set([
  'created_at',
  'updated_at',
  'run_at',
  'started_at',
  'finished_at',
  'last_run_at',
  'cancel_requested_at',
] satisfies (keyof VisibleTask)[]);

function timeText(time: unknown): unknown {
  if (time instanceof Date) return time.toISOString();
  return typeof time === 'string' ? toInstantText(time) : time;
}

/** Which tasks; all that are given must hold. */
export interface TaskFilter {
  status?: readonly Status[] | undefined;
  type?: string | undefined;
  domain?: string | undefined;
  unique_key?: string | undefined;
  /** Both exclusive, to the millisecond that callers see. */
  created_after?: Date | undefined;
  created_before?: Date | undefined;
  /** Occurs in the description, the error or the params, upper or lower case. */
  q?: string | undefined;
}

/**
 * Prepares to find tasks by their ids: the query builder puts the statement together once, and PostgreSQL plans it once
 * a connection.
 * @returns what finds the task with an id, or undefined
 */
export function taskFinder(orm: Orm): (id: string) => Promise<VisibleTask | undefined> {
  const statement = orm
    .select(VISIBLE)
    .from(tasks)
    .where(eq(tasks.id, sql.placeholder('id')))
    .prepare('find-task');
  return async (id) => (await statement.execute({ id }))[0];
}

/** What a task has to fulfil, or undefined when all do. */
export function matching(filter: TaskFilter): SQL | undefined {
  return and(
    filter.status && inArray(tasks.status, [...filter.status]),
    optional(filter.type, (type) => eq(tasks.type, type)),
    optional(filter.domain, (domain) => eq(tasks.domain, domain)),
    optional(filter.unique_key, (key) => eq(tasks.unique_key, key)),
    optional(filter.created_after, (time) => gte(tasks.created_at, new Date(time.getTime() + 1))),
    optional(filter.created_before, (time) => lt(tasks.created_at, time)),
    optional(filter.q, mentions),
  );
}

function optional<T>(value: T | undefined, condition: (value: T) => SQL | undefined): SQL | undefined {
  return value === undefined ? undefined : condition(value);
}

/** Occurs in the description, the error or the params, upper or lower case. */
export function mentions(text: string): SQL | undefined {
  const pattern = containing(text);
  return or(
    ilike(tasks.description, pattern),
    ilike(tasks.error, pattern),
    sql`${tasks.params}::text ilike ${pattern} and ${tasks.type} <> all(${TYPES_WITH_SECRETS})`,
  );
}

/** Who may not see params may not find them either, letter by letter. */
const TYPES_WITH_SECRETS = sql`array(select name from task_types where payload_schema::text like '%"secret": true%')`;
