import { type SQLWrapper, sql } from 'drizzle-orm';
import type { Orm } from './orm.ts';

/** How many rows there are. */
export interface Count {
  total: number;
  isEstimate: boolean;
}

/** Counts the rows of a select up to 10,000; beyond, it estimates them from the planner's statistics. */
export async function boundedCount(orm: Orm, select: SQLWrapper): Promise<Count> {
  const { rows: counted } = await orm.execute<{ total: number }>(
    sql`select count(*)::int as total from (${select} limit ${EXACT_TO + 1}) as bounded`,
  );
  const total = counted[0]?.total ?? 0;
  if (total <= EXACT_TO) return { total, isEstimate: false };
  return { total: Math.max(total, await plannedRows(orm, select)), isEstimate: true };
}

/** How many rows the planner expects of a select, by its statistics. */
export async function plannedRows(orm: Orm, select: SQLWrapper): Promise<number> {
  const { rows } = await orm.execute<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>(
    sql`explain (format json) ${select}`,
  );
  return rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0;
}

const EXACT_TO = 10_000;
