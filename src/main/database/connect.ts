import pg from 'pg';
import type { Observe } from '../observe/events.ts';

/** Anything that runs a statement: a pool, a client, a client in a transaction. */
export interface Queryable {
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    statement: string | pg.QueryConfig,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>>;
}

/**
 * A pool of connections. An idle connection that breaks is an event, never an unhandled error: the pool opens
 * another one at the next query.
 * @param name shown by PostgreSQL as the application_name
 */
export function connect(url: string, name: string, observe: Observe, max = 10): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: name,
    max,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  });
  pool.on('error', (error) => observe({ event: 'database_error', during: 'idle', ...describe(error) }));
  return pool;
}

/** Runs `work` in one transaction: committed when it returns, rolled back when it throws. */
export async function transaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const value = await work(client);
    await client.query('commit');
    return value;
  } catch (error) {
    // A connection that cannot roll back is not given to anybody else.
    await client.query('rollback').catch((rollbackError: Error) => {
      broken = rollbackError;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

/** What of a database error is told: its message and SQLSTATE, never the statement's values. */
export function describe(error: unknown): { message: string; code?: string | undefined } {
  const { message, code } = error as { message?: string; code?: string };
  return { message: message || code || String(error), code };
}
