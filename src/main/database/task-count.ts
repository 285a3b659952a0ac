import { sql } from 'drizzle-orm';
import { tasks } from '../../../drizzle/schema/tasks.ts';
import { type Count, plannedRows } from './bounded-count.ts';
import { newestIds } from './newest-ids.ts';
import type { Orm } from './orm.ts';
import { matching, type TaskFilter } from './tasks.ts';

/** How many tasks match: counted up to 10,000, estimated beyond from the planner's statistics. */
export async function countTasks(orm: Orm, filter: TaskFilter): Promise<Count> {
  const { rows } = await orm.execute<{ total: number }>(
    sql`select count(*)::int as total from (${newestIds(filter, { count: EXACT_TO + 1 })}) counted`,
  );
  const total = rows[0]?.total ?? 0;
  if (total <= EXACT_TO) return { total, isEstimate: false };
  const all = orm.select({ id: tasks.id }).from(tasks).where(matching(filter));
  return { total: Math.max(total, await plannedRows(orm, all)), isEstimate: true };
}

const EXACT_TO = 10_000;
