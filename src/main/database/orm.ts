import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import type pg from 'pg';

/** drizzle's query builder, for reads. What changes a task's state is written as SQL, in `engine/sql`. */
export type Orm = NodePgDatabase;

/** The query builder on a pool. */
export function orm(pool: pg.Pool): Orm {
  return drizzle({ client: pool });
}
