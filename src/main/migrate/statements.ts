import { type Token, tokenize, UnterminatedError } from './lexer.ts';
import { concurrentIndex, forbidden, isCopyThroughClient, isRoutine, mayCommit } from './rules.ts';

/** One statement of a file. */
export interface Statement {
  text: string;
  /** Where it begins in its file, from 1. */
  line: number;
  /** What `create index concurrently` leaves behind, invalid, when it fails. */
  index?: { name: string; table: string };
  /** False for CALL and DO, which may commit on their way: one that failed may have done a part. */
  atomic: boolean;
}

/** A line that keeps a file from being run. */
export interface Fault {
  line: number;
  message: string;
}

/**
 * Splits SQL into its statements and finds what a migration must not hold. The line numbers are those of `sql`.
 * @param transactional whether the file runs in one transaction
 */
export function readStatements(
  sql: string,
  transactional: boolean,
): { statements: Statement[]; faults: Fault[] } {
  const statements: Statement[] = [];
  const faults: Fault[] = [];
  const lineAt = lineCounter(sql);
  try {
    for (const tokens of splitStatements(sql)) {
      const line = lineAt(tokens[0]?.start ?? 0);
      const message = forbidden(tokens, transactional);
      if (message !== undefined) faults.push({ line, message });
      else statements.push(statement(sql, tokens, line));
    }
  } catch (error) {
    if (!(error instanceof UnterminatedError)) throw error;
    faults.push({ line: lineAt(error.at), message: error.message });
  }
  return { statements, faults };
}

/** A statement's tokens, without the semicolon. psql's commands are statements of their own. */
function* splitStatements(sql: string): Generator<Token[], void> {
  let tokens: Token[] = [];
  let end = new StatementEnd();
  for (const token of tokenize(sql)) {
    const ended = token.kind === 'meta' || end.isAt(token, tokens);
    if (!ended) {
      tokens.push(token);
      continue;
    }
    if (tokens.length > 0) yield tokens;
    if (token.kind === 'meta') yield [token];
    // What follows is data for psql, not SQL.
    if (isCopyThroughClient(tokens)) return;
    tokens = [];
    end = new StatementEnd();
  }
  if (tokens.length > 0) yield tokens;
}

/**
 * Tells which semicolon ends a statement: one outside of brackets (CREATE RULE) and outside of BEGIN ATOMIC … END,
 * where a CASE has an END as well. psql decides it in the same way.
 */
class StatementEnd {
  #brackets = 0;
  #blocks = 0;

  isAt(token: Token, before: readonly Token[]): boolean {
    if (token.text === '(') this.#brackets += 1;
    else if (token.text === ')') this.#brackets -= 1;
    else if (this.#brackets > 0) return false;
    else if (token.text === ';') return this.#blocks === 0;
    else if (token.kind === 'word') this.#countBlock(token.text, before);
    return false;
  }

  #countBlock(word: string, before: readonly Token[]): void {
    if (word === 'end') this.#blocks -= this.#blocks > 0 ? 1 : 0;
    else if (word === 'case') this.#blocks += this.#blocks > 0 ? 1 : 0;
    else if (word === 'begin' && isRoutine(before)) this.#blocks += 1;
  }
}

function statement(sql: string, tokens: readonly Token[], line: number): Statement {
  const text = sql.slice(tokens[0]?.start, tokens.at(-1)?.end);
  const index = concurrentIndex(tokens);
  return { text, line, atomic: !mayCommit(tokens), ...(index && { index }) };
}

/** Counts lines from the place it was last asked for, so that a large file is walked through once. */
function lineCounter(sql: string): (offset: number) => number {
  let counted = 0;
  let line = 1;
  return (offset) => {
    for (let at = sql.indexOf('\n', counted); at !== -1 && at < offset; at = sql.indexOf('\n', counted)) {
      line += 1;
      counted = at + 1;
    }
    return line;
  };
}
