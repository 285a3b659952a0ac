import type { Queryable } from '../connect.ts';
import { UPKEEP } from './sql.ts';

/** What tells whether the database comes after with tidying up. */
export interface Upkeep {
  /** 0 when no transaction is open. */
  oldest_transaction_age_seconds: number;
  /** Of the table of tasks. */
  dead_tuples: number;
}

/** Reads it. @throws Error when the database does not answer */
export async function readUpkeep(database: Queryable): Promise<Upkeep> {
  const { rows } = await database.query<Upkeep>(UPKEEP);
  const [upkeep] = rows;
  if (upkeep === undefined) throw new Error('a select without a table always has a row');
  return upkeep;
}
