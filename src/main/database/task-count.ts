import { type SQL, sql } from 'drizzle-orm';
import { tasks } from '../../../drizzle/schema/tasks.ts';
import { type Count, plannedRows } from './bounded-count.ts';
import { newestIds } from './newest-ids.ts';
import type { Orm } from './orm.ts';
import { matching, mentions, type TaskFilter } from './tasks.ts';

/**
 * How many tasks match: counted up to 10,000, estimated beyond from the planner's statistics. With `q`, which no
 * index helps with, the newest 10,000 are looked at that match the other filters, and taken for all of them.
 */
export async function countTasks(orm: Orm, filter: TaskFilter): Promise<Count> {
  const { q, ...others } = filter;
  return q === undefined ? count(orm, others) : countMentions(orm, others, q);
}

const EXACT_TO = 10_000;

async function count(orm: Orm, filter: TaskFilter): Promise<Count> {
  const { rows } = await orm.execute<{ total: number }>(
    sql`select count(*)::int as total from (${newestIds(filter, { count: EXACT_TO + 1 })}) counted`,
  );
  const total = rows[0]?.total ?? 0;
  if (total <= EXACT_TO) return { total, isEstimate: false };
  const all = orm.select({ id: tasks.id }).from(tasks).where(matching(filter));
  return { total: Math.max(total, await plannedRows(orm, all)), isEstimate: true };
}

async function countMentions(orm: Orm, others: TaskFilter, text: string): Promise<Count> {
  const newest = newestIds(others, { count: EXACT_TO });
  const [sampled, all] = await Promise.all([sample(orm, newest, text), count(orm, others)]);
  if (sampled.looked < EXACT_TO) return { total: sampled.mentions, isEstimate: false };
  return { total: Math.round((sampled.mentions / sampled.looked) * all.total), isEstimate: true };
}

async function sample(orm: Orm, ids: SQL, text: string): Promise<{ looked: number; mentions: number }> {
  const { rows } = await orm.execute<{ looked: number; mentions: number }>(sql`
    select count(*)::int as looked, count(*) filter (where ${mentions(text)})::int as mentions
    from ${tasks} where id = any(array(${ids}))`);
  return rows[0] ?? { looked: 0, mentions: 0 };
}
