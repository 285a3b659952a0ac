import { EXIT, MigrationError } from './error.ts';
import { type Parsed, parseSql } from './parse-sql.ts';
import { concurrentIndex, forbidden, isCopyThroughClient, mayCommit } from './rules.ts';
import { brief, type Fault, faultsOf, type Script } from './script.ts';

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

/** A script that may run, statement by statement. */
export interface SplitScript extends Script {
  statements: Statement[];
}

/** A script that is too large to be parsed: it is sent whole, in a transaction. */
export interface WholeScript extends Script {
  transactional: true;
  statements: null;
}

export type ReadyScript = SplitScript | WholeScript;

/** Above it a script is not parsed, for the memory that would take. In UTF-16 units. */
export const PARSE_LIMIT = 1_000_000;

/**
 * Splits a script into its statements.
 * @throws MigrationError with a line for each thing that a migration must not hold
 */
export async function makeReady(script: Script): Promise<ReadyScript> {
  if (script.sql.length > PARSE_LIMIT) return asWhole(script);
  const parsed = await parseSql(script.sql);
  const faults = faultsIn(parsed, script);
  if (faults.length > 0) throw new MigrationError(EXIT.filesInvalid, faultsOf(script.file, faults));
  return { ...script, statements: parsed.statements.map(toStatement) };
}

/** @throws MigrationError when it cannot be split, and has to */
function asWhole(script: Script): WholeScript {
  const { file, transactional } = script;
  if (transactional) return { ...script, transactional, statements: null };
  const message = `it has more than ${PARSE_LIMIT.toLocaleString('en')} characters, too many to run without a transaction: make several files of it`;
  throw new MigrationError(EXIT.filesInvalid, faultsOf(file, [{ line: 1, message }]));
}

function faultsIn({ statements, fault }: Parsed, { transactional, irreversible }: Script): Fault[] {
  const faults = statements.flatMap((statement): Fault[] => {
    const message = forbidden(statement, transactional);
    return message === undefined ? [] : [{ line: statement.line, message }];
  });
  const last = statements.at(-1);
  // What follows a COPY FROM STDIN is data for psql, not SQL.
  if (fault && !(last && isCopyThroughClient(last.node)))
    faults.push({ line: fault.line, message: syntaxFault(fault) });
  if (faults.length === 0 && statements.length === 0 && irreversible === undefined)
    faults.push({ line: 1, message: NO_STATEMENT });
  return faults;
}

const NO_STATEMENT =
  'there is no statement in it: write one; a DOWN may instead say -- heddle:irreversible REASON';

function syntaxFault({ message, at }: { message: string; at: string }): string {
  return at === '\\'
    ? 'a command of psql (a line that begins with \\) is not SQL: take it out'
    : brief(message);
}

function toStatement({ node, text, line }: Parsed['statements'][number]): Statement {
  const index = concurrentIndex(node);
  return { text, line, atomic: !mayCommit(node), ...(index && { index }) };
}
