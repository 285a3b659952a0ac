import { desc, type Param, type SQL, sql } from 'drizzle-orm';
import { tasks } from '../../../drizzle/schema/tasks.ts';
import type { Orm } from './orm.ts';
import { VISIBLE, type VisibleTask } from './tasks.ts';

/** A part of the list: after a task, or after so many. */
export interface Page {
  limit: number;
  after?: string | undefined;
  offset?: number | undefined;
}

export interface TaskPage {
  tasks: VisibleTask[];
  /** The id after which the list goes on, or null at its end. */
  next: string | null;
}

/**
 * Reads tasks in the order of a list. One that was deleted since is left out.
 * @param ids an array of uuids: those of the page, and one more when there is a next page
 */
export async function readPage(orm: Orm, ids: SQL | Param, limit: number): Promise<TaskPage> {
  const found = await orm
    .select(VISIBLE)
    .from(tasks)
    .where(sql`${tasks.id} = any(${ids}::uuid[])`)
    .orderBy(desc(tasks.id));
  const shown = found.slice(0, limit);
  return { tasks: shown, next: found.length > limit ? (shown.at(-1)?.id ?? null) : null };
}
