import type { Token } from './lexer.ts';

/*
 * What a statement is, as far as a migration has to know, told by its tokens. A keyword can only be an unquoted word,
 * so that neither a string nor a quoted name is ever taken for one.
 */

/** Why a statement must not be in a migration, or undefined. */
export function forbidden(tokens: readonly Token[], transactional: boolean): string | undefined {
  const [first] = tokens;
  if (first?.kind === 'meta') return `${first.text.trim()}: commands of psql are not SQL`;
  if (governsTransaction(tokens))
    return `${first?.text.toUpperCase()}: the transaction is not the file's to begin or to end`;
  if (isCopyThroughClient(tokens)) return 'COPY from or to the client is not possible here, write INSERT';
  if (transactional && isConcurrent(tokens))
    return 'CONCURRENTLY cannot run in a transaction: make the first line of the file -- heddle:no-transaction';
  return undefined;
}

function governsTransaction(tokens: readonly Token[]): boolean {
  const [first, second] = tokens;
  if (first?.kind !== 'word') return false;
  if (first.text === 'start' || first.text === 'prepare') return isWord(second, 'transaction');
  return ['begin', 'commit', 'end', 'rollback', 'abort', 'savepoint', 'release'].includes(first.text);
}

/** COPY … FROM STDIN or TO STDOUT. */
export function isCopyThroughClient(tokens: readonly Token[]): boolean {
  if (!isWord(tokens[0], 'copy')) return false;
  return tokens.some((token, at) => {
    const before = tokens[at - 1];
    return (
      (isWord(before, 'from') && isWord(token, 'stdin')) || (isWord(before, 'to') && isWord(token, 'stdout'))
    );
  });
}

/** REFRESH MATERIALIZED VIEW CONCURRENTLY is the one that a transaction allows. */
function isConcurrent(tokens: readonly Token[]): boolean {
  return !isWord(tokens[0], 'refresh') && tokens.some((token) => isWord(token, 'concurrently'));
}

/** CREATE [OR REPLACE] FUNCTION or PROCEDURE. */
export function isRoutine(tokens: readonly Token[]): boolean {
  if (!isWord(tokens[0], 'create')) return false;
  const made = isWord(tokens[1], 'or') ? tokens[3] : tokens[1];
  return isWord(made, 'function') || isWord(made, 'procedure');
}

/** CALL and DO run code that may commit. */
export function mayCommit(tokens: readonly Token[]): boolean {
  return isWord(tokens[0], 'call') || isWord(tokens[0], 'do');
}

/** The index that a CREATE INDEX CONCURRENTLY names, and its table as it is written there. */
export function concurrentIndex(tokens: readonly Token[]): { name: string; table: string } | undefined {
  const at = tokens.findIndex((token) => isWord(token, 'concurrently'));
  const before = tokens.slice(0, Math.max(at, 0)).map((token) => token.text);
  if (before[0] !== 'create' || before.at(-1) !== 'index') return undefined;
  const on = tokens.findIndex((token, place) => place > at && isWord(token, 'on'));
  const name = tokens[on - 1];
  if (on === -1 || on - 1 === at || name === undefined) return undefined;
  return { name: unquoted(name), table: tableAfter(tokens.slice(on + 1)) };
}

function tableAfter(tokens: readonly Token[]): string {
  const [first, dot, second] = isWord(tokens[0], 'only') ? tokens.slice(1) : tokens;
  return dot?.text === '.' ? `${first?.text}.${second?.text}` : `${first?.text}`;
}

function unquoted(token: Token): string {
  return token.kind === 'name' ? token.text.slice(1, -1).replaceAll('""', '"') : token.text;
}

function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.text === word;
}
