import { createHash } from 'node:crypto';
import type pg from 'pg';

/**
 * Lets a pool prepare its named statements where that works. Behind a transaction pooler that knows nothing of them
 * (PgBouncer before 1.21) a statement is prepared on one connection and asked for on another: the first such error ends
 * the use of names for good, and the statement, of which nothing has run, is sent without. In a transaction it is the
 * whole transaction that has to be run again: see `isUnprepared`.
 *
 * Names end in a hash of their text: connections that are shared may know the same name from another release.
 */
export function prepareWherePossible(pool: pg.Pool): void {
  const names: Names = { possible: true };
  pool.on('connect', (client) => nameStatements(client, names));

  const query = pool.query.bind(pool) as Query;
  async function prepared(...asked: unknown[]): Promise<unknown> {
    try {
      return await query(...asked);
    } catch (error) {
      if (!isUnprepared(error)) throw error;
      noteUnprepared(error, names);
      return query(...asked);
    }
  }
  pool.query = prepared as typeof pool.query;
}

/** Whether the name of a prepared statement is taken, or means nothing, on the connection that a pooler has lent. */
export function isUnprepared(error: unknown): boolean {
  return UNPREPARED.has((error as { code?: string }).code ?? '');
}

type Query = (...asked: unknown[]) => Promise<unknown>;

/** Whether names can be used. */
interface Names {
  possible: boolean;
}

function noteUnprepared(error: unknown, names: Names): void {
  if (isUnprepared(error)) names.possible = false;
}

/** The pool's own queries come by here, too. */
function nameStatements(client: pg.PoolClient, names: Names): void {
  const query = client.query.bind(client) as (...asked: unknown[]) => unknown;
  function named(asked: unknown, ...rest: unknown[]): unknown {
    if (!isNamed(asked)) return query(asked, ...rest);
    const { name, ...unnamed } = asked;
    const answered = query(
      names.possible ? { ...unnamed, name: `${name} ${hashOf(unnamed.text)}` } : unnamed,
      ...rest,
    );
    // None with a callback, as the pool has one.
    if (answered instanceof Promise) answered.catch((error) => noteUnprepared(error, names));
    return answered;
  }
  client.query = named as typeof client.query;
}

function isNamed(asked: unknown): asked is { name: string; text: string } {
  return (
    typeof asked === 'object' && asked !== null && typeof (asked as { name?: unknown }).name === 'string'
  );
}

/** The statement's name is taken; there is no statement of that name. */
const UNPREPARED = new Set(['42P05', '26000']);

const hashes = new Map<string, string>();

function hashOf(text: string): string {
  let hash = hashes.get(text);
  if (hash === undefined) {
    hash = createHash('sha1').update(text).digest('hex').slice(0, 8);
    hashes.set(text, hash);
  }
  return hash;
}
