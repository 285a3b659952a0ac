/**
 * A piece of SQL. Words are folded to lower case as PostgreSQL does it; quoted names and strings keep their quotes.
 * `meta` is a psql command up to the end of its line. Whitespace and comments are left out.
 */
export interface Token {
  kind: 'word' | 'name' | 'string' | 'number' | 'symbol' | 'meta';
  text: string;
  start: number;
  end: number;
}

/** A string, quoted name or comment that is opened at `at` and never closed. */
export class UnterminatedError extends Error {
  override name = 'UnterminatedError';
  readonly at: number;
  constructor(what: string, at: number) {
    super(`${what} is never closed`);
    this.at = at;
  }
}

/**
 * Cuts SQL into tokens by PostgreSQL's own lexical rules (with standard_conforming_strings on, its default), as far as
 * they decide where a statement ends.
 * @param at where to begin
 * @throws UnterminatedError
 */
export function* tokenize(sql: string, at = 0): Generator<Token, void> {
  let start = skipBlanks(sql, at);
  while (start < sql.length) {
    const token = readToken(sql, start);
    yield token;
    start = skipBlanks(sql, token.end);
  }
}

function skipBlanks(sql: string, at: number): number {
  let end = at;
  for (;;) {
    end = matchEnd(WHITESPACE, sql, end) ?? end;
    if (sql.startsWith('--', end)) end = endOfLine(sql, end);
    else if (sql.startsWith('/*', end)) end = endOfComment(sql, end);
    else return end;
  }
}

function readToken(sql: string, start: number): Token {
  const token = (kind: Token['kind'], end: number) => ({ kind, text: sql.slice(start, end), start, end });
  const first = sql.charAt(start);
  if (first === "'") return token('string', endOfQuotes(sql, start, "'", 'a string'));
  if (first === '"') return token('name', endOfQuotes(sql, start, '"', 'a quoted name'));
  if (first === '\\') return token('meta', endOfLine(sql, start));
  if (first === '$') return token(...dollar(sql, start));
  if (/[eE]/.test(first) && sql.charAt(start + 1) === "'")
    return token('string', endOfEscapes(sql, start + 1));
  const number = matchEnd(NUMBER, sql, start);
  if (number !== undefined) return token('number', number);
  const word = matchEnd(WORD, sql, start);
  if (word === undefined) return token('symbol', start + 1);
  return { kind: 'word', text: sql.slice(start, word).toLowerCase(), start, end: word };
}

const WHITESPACE = /[ \t\r\n\f\v]+/y;
const WORD = /[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/y;
const NUMBER = /[0-9][A-Za-z0-9_.]*/y;
const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;

function matchEnd(pattern: RegExp, sql: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(sql) ? pattern.lastIndex : undefined;
}

function endOfLine(sql: string, at: number): number {
  const end = sql.indexOf('\n', at);
  return end === -1 ? sql.length : end;
}

/** Comments nest in SQL. */
function endOfComment(sql: string, start: number): number {
  let depth = 0;
  const edges = /\/\*|\*\//g;
  edges.lastIndex = start;
  for (let edge = edges.exec(sql); edge !== null; edge = edges.exec(sql)) {
    depth += edge[0] === '/*' ? 1 : -1;
    if (depth === 0) return edges.lastIndex;
  }
  throw new UnterminatedError('a comment', start);
}

function endOfQuotes(sql: string, start: number, quote: string, what: string): number {
  for (let at = sql.indexOf(quote, start + 1); at !== -1; at = sql.indexOf(quote, at + 2)) {
    if (sql.charAt(at + 1) !== quote) return at + 1;
  }
  throw new UnterminatedError(what, start);
}

/** E'…': a backslash takes the next character with it, also after a newline between two parts of one string. */
function endOfEscapes(sql: string, start: number): number {
  const marks = /\\[\s\S]|''|'(?:[ \t\r\f\v]*\n[ \t\r\n\f\v]*')?/g;
  marks.lastIndex = start + 1;
  for (let mark = marks.exec(sql); mark !== null; mark = marks.exec(sql)) {
    if (mark[0] === "'") return marks.lastIndex;
  }
  throw new UnterminatedError('a string', start);
}

function dollar(sql: string, start: number): [Token['kind'], number] {
  const opened = matchEnd(DOLLAR_QUOTE, sql, start);
  if (opened === undefined) return ['symbol', start + 1];
  const quote = sql.slice(start, opened);
  const closed = sql.indexOf(quote, opened);
  if (closed === -1) throw new UnterminatedError(`a string in ${quote}`, start);
  return ['string', closed + quote.length];
}
