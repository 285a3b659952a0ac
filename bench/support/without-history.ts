import type pg from 'pg';

/**
 * Lets a pool's claims and settles write no history: neither when a task began and in which thread, nor its attempts.
 * What is written then is only what a task is. For a comparison: nothing of the product can do without.
 */
export function writeNoHistory(pool: pg.Pool): void {
  const query = pool.query.bind(pool) as (...args: unknown[]) => unknown;
  const texts = new Map<string, string>();
  pool.query = ((statement: string | pg.QueryConfig, ...others: unknown[]) => {
    if (typeof statement === 'string' || !/^(claim|settle)/.test(statement.name ?? ''))
      return query(statement, ...others);
    const text = texts.get(statement.text) ?? withoutHistory(statement.text);
    texts.set(statement.text, text);
    return query({ ...statement, text }, ...others);
  }) as typeof pool.query;
}

/** Columns that say how a task came to be what it is. */
const HISTORY = ['started_at', 'last_run_at', 'thread_id'];

/** Parts of a statement that write something beside the task. */
const BESIDE = ['recorded', 'counted'];

/** @throws Error when there is nothing to leave out: then what is measured would be the same twice */
function withoutHistory(text: string): string {
  const left = BESIDE.reduce(
    (rest, name) => leaveOut(rest, new RegExp(`\\n${name} as \\(`)),
    HISTORY.reduce((rest, column) => leaveOut(rest, new RegExp(`(?<=[\\s,])${column} = (?!any)`)), text),
  );
  if (left === text) throw new Error(`there is no history in ${text}`);
  return left;
}

/** Leaves out what begins so, up to the comma that ends it. */
function leaveOut(text: string, beginning: RegExp): string {
  const start = text.search(beginning);
  if (start === -1) return text;
  let depth = 0;
  for (let end = start; end < text.length; end++) {
    if (text[end] === '(') depth++;
    else if (text[end] === ')') depth--;
    else if (text[end] === ',' && depth === 0) return text.slice(0, start) + text.slice(end + 1);
  }
  throw new Error(`no comma ends ${beginning} in ${text}`);
}
