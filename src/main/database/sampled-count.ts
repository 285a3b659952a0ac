import { type SQL, sql } from 'drizzle-orm';
import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core';
import type { Orm } from './orm.ts';

/**
 * How many rows of a table match, as some of its pages suggest. They are read through, whatever matches: some
 * milliseconds, however many that are. Meant for whether there are many, which it knows for sure; of few it may see none.
 */
export async function sampledCount(orm: Orm, table: PgTable, matching: SQL | undefined): Promise<number> {
  const share = sql.raw(
    `least(1, ${PAGES} * 8192.0 / greatest(pg_relation_size('${getTableConfig(table).name}'), 1))`,
  );
  // Always the same pages: whoever asks again is not told something else.
  const { rows } = await orm.execute<{ total: number }>(sql`
    select (count(*) / ${share})::float8 as total
    from ${table} tablesample system (100 * ${share}) repeatable (0)
    where ${matching ?? sql`true`}`);
  return Math.round(rows[0]?.total ?? 0);
}

/** Of 8 kB. */
const PAGES = 500;
