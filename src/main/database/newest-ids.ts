import { and, lt, type SQL, sql } from 'drizzle-orm';
import { tasks } from '../../../drizzle/schema/tasks.ts';
import type { Status } from '../engine/task.ts';
import { splitByDate } from './dated-ids.ts';
import { matching, type TaskFilter } from './tasks.ts';

/*
 * A list is put together of walks, each along one index that has what it wants in the order of ids, the newest first.
 * Left to itself the planner takes the primary key, because it expects a page of anything among the newest tasks: with
 * a status or a type of which there are none, or which only old tasks have, it reads the whole table.
 */

/** A part of the list. */
export interface Part {
  /** Only tasks older than this one. */
  after?: string | undefined;
  /** So many are passed over. */
  offset?: number | undefined;
  count: number;
}

/** The ids of tasks that match, the newest first. */
export function newestIds(filter: TaskFilter, { after, offset = 0, count }: Part): SQL {
  const older = after === undefined ? undefined : lt(tasks.id, after);
  const each = walks(filter).map(
    (walk) => sql`(${idsWhere(and(walk, older))} order by id desc limit ${offset + count})`,
  );
  return sql`select id from (${union(each)}) walked order by id desc limit ${count} offset ${offset}`;
}

function idsWhere(condition: SQL | undefined): SQL {
  return sql`select id from ${tasks} where ${condition ?? sql`true`}`;
}

function union(selects: SQL[]): SQL {
  return sql.join(selects, sql` union all `);
}

/** Conditions that exclude each other, and for each of which there is an index. Who matches fulfils one of them. */
function walks({ status, ...others }: TaskFilter): (SQL | undefined)[] {
  return groupsOf({ status, ...others })
    .map((group) => and(group && isOneOf(group), matching(others)))
    .flatMap((walk) => splitByDate(walk, others));
}

/** Which statuses are walked together; undefined is all of them. */
function groupsOf({
  status,
  type,
  domain,
  unique_key,
}: TaskFilter): readonly (readonly Status[] | undefined)[] {
  if (status !== undefined) return [...new Set(status)].map((one) => [one]);
  const hasIndexOfItsOwn = domain !== undefined || unique_key !== undefined;
  return type === undefined || hasIndexOfItsOwn ? [undefined] : BY_TYPE;
}

/** As the indexes by type have them. */
const BY_TYPE: readonly (readonly Status[])[] = [
  ['created'],
  ['queued'],
  ['running'],
  ['completed', 'failed', 'cancelled'],
];

/** Spelled out: the planner has to see that it is the condition of an index. */
function isOneOf(statuses: readonly Status[]): SQL {
  return sql.raw(`status in (${statuses.map((status) => `'${status}'`).join(', ')})`);
}
