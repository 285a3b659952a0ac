import { sql } from 'drizzle-orm';
import type { Count } from './bounded-count.ts';
import { newestIds } from './newest-ids.ts';
import type { Orm } from './orm.ts';
import { countTasks } from './task-count.ts';
import { type Page, readPage, type TaskPage } from './task-page.ts';
import { searchTasks } from './task-search.ts';
import type { TaskFilter } from './tasks.ts';

/**
 * Tasks, the newest first, and how many there are. Ids sort by time: a page that begins after an id neither skips nor
 * repeats a task when others are added.
 */
export async function listTasks(orm: Orm, filter: TaskFilter, page: Page): Promise<TaskPage & Count> {
  const { q, ...others } = filter;
  if (q) return searchTasks(orm, q, others, page); // An empty text is in every task.
  const [listed, count] = await Promise.all([list(orm, others, page), countTasks(orm, others)]);
  return { ...listed, ...count };
}

function list(orm: Orm, filter: TaskFilter, { limit, after, offset }: Page): Promise<TaskPage> {
  const ids = newestIds(filter, { after, offset, count: limit + 1 });
  return readPage(orm, sql`array(${ids})`, limit);
}
