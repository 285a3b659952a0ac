import pg from 'pg';
import { atMost } from '../at-most.ts';
import type { Observe } from '../observe/events.ts';
import { describe, pastOthers } from './errors.ts';
import { isUnprepared, prepareWherePossible } from './prepared.ts';

/** Anything that runs a statement: a pool, a client, a client in a transaction. */
export interface Queryable {
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    statement: string | pg.QueryConfig,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>>;
}

/**
 * A pool of connections. An idle connection that breaks is an event, never an unhandled error: the pool opens
 * another one at the next query. A statement that is not answered in time fails, and so does its connection: on a
 * socket that is open at this end only, it would wait for a quarter of an hour.
 * @param name shown by PostgreSQL as the application_name
 */
export function connect(
  url: string,
  name: string,
  observe: Observe,
  { max = 10, settings = API_SETTINGS }: { max?: number; settings?: string } = {},
): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: name,
    max,
    min: Math.min(KEPT, max),
    connectionTimeoutMillis: 10_000,
    query_timeout: ANSWER_MS,
    keepAlive: true,
    verify: (client, done) => set(client, settings, done),
  });
  prepareWherePossible(pool);
  // Between the pool, which listens no more, and its borrower, who does not listen yet, an error that came in one packet
  // with the end of the handshake would end the process. The borrower's first statement fails, and says why.
  pool.on('connect', (client) => void client.on('error', () => {}));
  pool.on('error', (error) => observe({ event: 'database_error', during: 'idle', ...describe(error) }));
  return pool;
}

/** When it fails, the connection is broken, and so will its borrower's first statement be. */
function set(client: pg.PoolClient, settings: string, done: () => void): void {
  client.query(settings).then(
    () => done(),
    () => done(),
  );
}

/**
 * To compile a claim takes PostgreSQL half a second, to run it milliseconds. It is compiled all the same where `jit` is on,
 * as by default: the planner has to reckon with all that is queued, since it does not know how little a claim takes.
 */
const API_SETTINGS = 'set jit = off';

/**
 * For the connections of engines. When statistics were made while little was queued, the planner would rather sort what is
 * queued than read it in its order: then each claim reads and sorts all of what is queued since.
 */
export const ENGINE_SETTINGS: string = `${API_SETTINGS}; set enable_sort = off`;

/**
 * So many connections stay when nobody asks. A new one has yet to learn what the tables are like: the first list or
 * `/stats` on it takes 60 ms more. Lists need two, to count while they read.
 */
const KEPT = 2;

/** Closes a pool. A server that does not take its leave is not waited for. */
export async function disconnect(pool: pg.Pool): Promise<void> {
  await atMost(1000, pool.end());
}

/** A claim of a thousand tasks takes 50 ms. */
const ANSWER_MS = 10_000;

/**
 * Runs `work` in one transaction: committed when it returns, rolled back when it throws. It runs anew when another
 * transaction was in the way.
 */
export function transaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  return onClient(pool, async (client) => {
    await client.query('begin');
    const value = await work(client);
    await client.query('commit');
    return value;
  });
}

/** The same in the transaction that a client has open; in one of its own when that is a pool. */
export function inTransaction<T>(database: Queryable, work: (client: Queryable) => Promise<T>): Promise<T> {
  return database instanceof pg.Pool ? transaction(database, work) : work(database);
}

/**
 * Lends a connection to `work`, which begins and commits by itself. When it throws, what is not committed is rolled
 * back; it runs anew when another transaction was in the way.
 */
export function onClient<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  return pastOthers(async () => {
    try {
      return await tryOnClient(pool, work);
    } catch (error) {
      if (!isUnprepared(error)) throw error;
      return tryOnClient(pool, work);
    }
  });
}

async function tryOnClient<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  const noteBroken = (error: Error): void => {
    broken = error;
  };
  // Between two statements nobody else listens, and an 'error' that nobody listens to ends the process.
  client.on('error', noteBroken);
  try {
    return await work(client);
  } catch (error) {
    // A connection that cannot roll back is not given to anybody else.
    await client.query('rollback').catch(noteBroken);
    throw error;
  } finally {
    client.off('error', noteBroken);
    client.release(broken);
  }
}
