import { desc, type Param, type SQL, sql } from 'drizzle-orm';
import { tasks } from '../../../drizzle/schema/tasks.ts';
import { newestIds } from './newest-ids.ts';
import type { Orm } from './orm.ts';
import { mentions, type TaskFilter, VISIBLE, type VisibleTask } from './tasks.ts';

/** A part of the list: after a task, or after so many. */
export interface Page {
  limit: number;
  after?: string | undefined;
  offset?: number | undefined;
}

export interface TaskList {
  tasks: VisibleTask[];
  /** The id after which the list goes on, or null at its end. */
  next: string | null;
}

/**
 * Tasks, the newest first. Ids sort by time: a page that begins after an id neither skips nor repeats a task when
 * others are added.
 *
 * With `q` the work is bounded: at least 10,000 of the tasks that match the other filters are looked at. A page can then
 * have fewer tasks than its limit, or none, and yet a `next`.
 */
export async function listTasks(orm: Orm, filter: TaskFilter, page: Page): Promise<TaskList> {
  return filter.q === undefined ? pick(orm, filter, page) : search(orm, filter, page);
}

async function pick(orm: Orm, filter: TaskFilter, page: Page): Promise<TaskList> {
  const { limit, after, offset = 0 } = page;
  // One more than asked for tells whether there is a next page.
  const ids = newestIds(filter, { after, offset, count: limit + 1 });
  return upTo(limit, await read(orm, sql`array(${ids})`));
}

/** Looks at some tasks at a time, whether they mention the text. */
async function search(orm: Orm, { q = '', ...others }: TaskFilter, page: Page): Promise<TaskList> {
  const { limit, offset = 0 } = page;
  const startedAt = performance.now();
  const found: string[] = [];
  let { after } = page;
  let looked = 0;
  do {
    const part = await lookAt(orm, newestIds(others, { after, count: AT_ONCE }), q);
    found.push(...part.found);
    looked += AT_ONCE;
    after = part.looked < AT_ONCE ? undefined : part.last;
  } while (
    after !== undefined &&
    found.length <= offset + limit &&
    (looked < LOOK_AT_LEAST || performance.now() - startedAt < SEARCH_MS)
  );
  const { tasks, next } = upTo(limit, await read(orm, sql.param(found.slice(offset, offset + limit + 1))));
  return { tasks, next: next ?? after ?? null };
}

/** However long it takes. More are looked at when that is quickly done. */
const LOOK_AT_LEAST = 10_000;
const SEARCH_MS = 20;
const AT_ONCE = 2000;

async function lookAt(
  orm: Orm,
  ids: SQL,
  text: string,
): Promise<{ found: string[]; looked: number; last: string }> {
  const { rows } = await orm.execute<{ found: string[]; looked: number; last: string }>(sql`
    with looked as materialized (
      select id, ${mentions(text)} as mentions from ${tasks} where id = any(array(${ids}))
    )
    select array(select id from looked where mentions order by id desc) as found,
      (select count(*)::int from looked) as looked, (select id from looked order by id limit 1) as last`);
  const [answer] = rows;
  if (answer === undefined) throw new Error('an aggregate always has a row');
  return answer;
}

function upTo(limit: number, some: VisibleTask[]): TaskList {
  const shown = some.slice(0, limit);
  return { tasks: shown, next: some.length > limit ? (shown.at(-1)?.id ?? null) : null };
}

/** In the order of a list. @param ids an array of uuids */
function read(orm: Orm, ids: SQL | Param): Promise<VisibleTask[]> {
  return orm
    .select(VISIBLE)
    .from(tasks)
    .where(sql`${tasks.id} = any(${ids}::uuid[])`)
    .orderBy(desc(tasks.id));
}
