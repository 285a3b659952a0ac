import { and, gte, lt, not, type SQL, sql } from 'drizzle-orm';
import { tasks } from '../../../drizzle/schema/tasks.ts';
import type { TaskFilter } from './tasks.ts';

/**
 * Splits a walk by what ids tell of the time of creation. An id of version 7 begins with it, so that the ids of a span
 * of time are a range; but anybody may insert a task with another id or another `created_at`. Those are in the index
 * tasks_dated_otherwise, which is as good as empty. Where it is not, because somebody brought tasks along, the answer is
 * as right, and slower.
 * @param walk what has to be fulfilled, the dates with it
 */
export function splitByDate(walk: SQL | undefined, filter: TaskFilter): (SQL | undefined)[] {
  const inRange = idsCreated(filter);
  if (inRange === undefined) return [walk];
  const outside = and(walk, not(inRange));
  return [
    and(walk, inRange),
    and(outside, ARE_FEW, sql`id = any(array(${DATED_OTHERWISE}))`),
    and(outside, sql`not ${ARE_FEW}`, sql`heddle_dated_otherwise(id, created_at)`),
  ];
}

const MOST_FEW = 1000;

/** Its order is the index's: no other plan is as cheap, whatever the planner thinks of the condition. */
const DATED_OTHERWISE = sql.raw(
  `select id from tasks where heddle_dated_otherwise(id, created_at) order by created_at limit ${MOST_FEW + 1}`,
);

const ARE_FEW = sql`(select count(*) <= ${sql.raw(String(MOST_FEW))} from (${DATED_OTHERWISE}) otherwise)`;

/** Where the ids are of tasks created in a span of time; undefined when it is all of time. */
function idsCreated({ created_after, created_before }: TaskFilter): SQL | undefined {
  return and(
    created_after && gte(tasks.id, firstIdOf(unitOf(created_after) - 1)),
    created_before && lt(tasks.id, firstIdOf(unitOf(created_before) + 2)),
  );
}

/** The database computes the same with other roundings: hence the unit more on either side. */
function unitOf(time: Date): number {
  return Math.floor(time.getTime() / UNIT_MS);
}

/** What `heddle_dated_otherwise` counts in: the upper 32 of an id's 48 bits of milliseconds. */
const UNIT_MS = 2 ** 16;

function firstIdOf(unit: number): string {
  const digits = Math.min(Math.max(unit, 0), 0xffffffff).toString(16).padStart(8, '0');
  return `${digits}-0000-0000-0000-000000000000`;
}
