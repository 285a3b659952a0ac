import { and, asc, gt, lte, type SQL, sql } from 'drizzle-orm';
import { tasks } from '../../../drizzle/schema/tasks.ts';
import type { Orm } from './orm.ts';
import { matching, type TaskFilter } from './tasks.ts';

/**
 * Walks through the tasks that match and were submitted before the walk began, the oldest first.
 *
 * The table is looked through in parts, whose size follows how long the last one took: however large it is, and however
 * few match, no statement takes long, and none keeps dead rows from being vacuumed.
 * @returns ids, up to `most` at a time
 */
export async function* walkTasks(orm: Orm, filter: TaskFilter, most: number): AsyncGenerator<string[]> {
  const wanted = and(matching(filter), await submittedBeforeNow(orm));
  let after = BEFORE_ALL;
  let size = FEWEST_ROWS;
  for (;;) {
    const startedAt = performance.now();
    const end = await endOfPart(orm, after, size);
    const ids = await matchingBetween(orm, after, end, wanted);
    const tookMs = performance.now() - startedAt;
    for (let at = 0; at < ids.length; at += most) yield ids.slice(at, at + most);
    if (end === undefined) return;
    after = end;
    size = nextSize(size, tookMs);
  }
}

const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/** How many rows are looked at in one statement. Of most parts all may match, and their ids are held in memory. */
const FEWEST_ROWS = 1000;
const MOST_ROWS = 100_000;
const QUICK_MS = 100;
const SLOW_MS = 500;

function nextSize(size: number, tookMs: number): number {
  if (tookMs < QUICK_MS) return Math.min(MOST_ROWS, size * 2);
  return tookMs > SLOW_MS ? Math.max(FEWEST_ROWS, size / 4) : size;
}

/** By the database's clock, which gives tasks their `created_at`: ids may come from another one. */
async function submittedBeforeNow(orm: Orm): Promise<SQL> {
  const { rows } = await orm.execute<{ now: string }>(sql`select now()::text as now`);
  return sql`${tasks.created_at} < ${rows[0]?.now}::timestamptz`;
}

/** The id of the row that is `size` rows further on, or undefined when there are not as many. Reads the index only. */
async function endOfPart(orm: Orm, after: string, size: number): Promise<string | undefined> {
  const [end] = await orm
    .select({ id: tasks.id })
    .from(tasks)
    .where(gt(tasks.id, after))
    .orderBy(asc(tasks.id))
    .offset(size - 1)
    .limit(1);
  return end?.id;
}

async function matchingBetween(
  orm: Orm,
  after: string,
  end: string | undefined,
  wanted: SQL | undefined,
): Promise<string[]> {
  const part = and(gt(tasks.id, after), end === undefined ? undefined : lte(tasks.id, end));
  const found = await orm
    .select({ id: tasks.id })
    .from(tasks)
    .where(and(part, wanted))
    .orderBy(asc(tasks.id));
  return found.map(({ id }) => id);
}
