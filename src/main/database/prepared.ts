import { createHash } from 'node:crypto';
import type pg from 'pg';

/**
 * Lets a pool prepare its named statements where that works. Behind a transaction pooler that knows nothing of them
 * (PgBouncer before 1.21) a statement is prepared on one connection and asked for on another: the first such error ends
 * the use of names for good, and the statement, of which nothing has run, is sent without.
 *
 * Names end in a hash of their text: connections that are shared may know the same name from another release.
 */
export function prepareWherePossible(pool: pg.Pool): void {
  const query = pool.query.bind(pool) as (...asked: unknown[]) => Promise<unknown>;
  let possible = true;

  async function prepared(asked: unknown, ...rest: unknown[]): Promise<unknown> {
    if (!isNamed(asked)) return query(asked, ...rest);
    const { name, ...unnamed } = asked;
    if (!possible) return query(unnamed, ...rest);
    try {
      return await query({ ...unnamed, name: `${name} ${hashOf(unnamed.text)}` }, ...rest);
    } catch (error) {
      if (!UNPREPARED.has((error as { code?: string }).code ?? '')) throw error;
      possible = false;
      return query(unnamed, ...rest);
    }
  }
  pool.query = prepared as typeof pool.query;
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
