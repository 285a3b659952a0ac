import { type SQL, sql } from 'drizzle-orm';
import { tasks } from '../../../drizzle/schema/tasks.ts';
import type { Count } from './bounded-count.ts';
import { newestIds } from './newest-ids.ts';
import type { Orm } from './orm.ts';
import { countTasks } from './task-count.ts';
import { type Page, readPage, type TaskPage } from './task-page.ts';
import { mentions, type TaskFilter } from './tasks.ts';

/**
 * A page of the tasks that mention a text, and how many there are.
 *
 * No index helps with it, and so the work is bounded: for a page 10,000 tasks that match the filter are looked at. It
 * can have fewer tasks than its limit, or none, and yet a `next`. Where there are more than that, the newest of them are
 * taken for all, to estimate how many mention it.
 */
export async function searchTasks(
  orm: Orm,
  text: string,
  filter: TaskFilter,
  { limit, after, offset = 0 }: Page,
): Promise<TaskPage & Count> {
  const lookAfter = (id: string | undefined) =>
    lookAt(orm, newestIds(filter, { after: id, count: MOST_LOOKED_AT }), text, offset + limit + 1);
  const looking = lookAfter(undefined);
  const [newest, here] = await Promise.all([looking, after === undefined ? looking : lookAfter(after)]);
  const page = await readPage(orm, sql.param(here.found.slice(offset)), limit);
  const next = page.next ?? (here.looked < MOST_LOOKED_AT ? null : here.last);
  return { tasks: page.tasks, next, ...(await totalOf(orm, newest, filter)) };
}

const MOST_LOOKED_AT = 10_000;

interface Look {
  looked: number;
  mentioning: number;
  /** The newest of those that mention it. */
  found: string[];
  /** The oldest that was looked at. */
  last: string | null;
}

async function lookAt(orm: Orm, ids: SQL, text: string, most: number): Promise<Look> {
  const { rows } = await orm.execute<Look & Record<string, unknown>>(sql`
    with looked as materialized (
      select id, ${mentions(text)} as mentions from ${tasks} where id = any(array(${ids}))
    )
    select (select count(*)::int from looked) as looked,
      (select count(*)::int from looked where mentions) as mentioning,
      array(select id from looked where mentions order by id desc limit ${most}) as found,
      (select id from looked order by id limit 1) as last`);
  return rows[0] as Look;
}

async function totalOf(orm: Orm, { looked, mentioning }: Look, filter: TaskFilter): Promise<Count> {
  if (looked < MOST_LOOKED_AT) return { total: mentioning, isEstimate: false };
  const { total } = await countTasks(orm, filter);
  return { total: Math.round((mentioning / looked) * total), isEstimate: true };
}
