import { describe } from '../database/errors.ts';
import { EXIT, MigrationError } from './error.ts';
import { brief, type Script } from './script.ts';
import { sqlState } from './session.ts';
import type { Statement, WholeScript } from './statements.ts';

/** The error of a statement, with file, line, SQLSTATE and the statement itself. */
export function statementFault(script: Script, statement: Statement, error: unknown): MigrationError {
  const line = statement.line + (linesBefore(statement.text, error) ?? 0);
  return fault(`${script.file}:${line}`, error, ` in: ${brief(statement.text)}`);
}

/** The error of a script that was sent whole. @param done how many of its statements were done */
export function wholeFault(script: WholeScript, done: number, error: unknown): MigrationError {
  const before = linesBefore(script.sql, error);
  const place = before === undefined ? script.file : `${script.file}:${before + 1}`;
  return fault(place, error, ` in its statement ${done + 1}`);
}

/** The error of a COMMIT, as of a constraint that is checked only then. */
export function commitFault(script: Script, error: unknown): MigrationError {
  return fault(`${script.file}: at its end`, error, '');
}

function fault(place: string, error: unknown, statement: string): MigrationError {
  const { message } = describe(error);
  const code = sqlState(error);
  const exitCode = code === undefined ? EXIT.databaseUnreachable : EXIT.sqlFailed;
  const state = code === undefined ? '' : ` (${code})`;
  const hint =
    code === NOT_IN_TRANSACTION ? '; make the first line of the file -- heddle:no-transaction' : '';
  return new MigrationError(exitCode, `${place}: ${message}${state}${hint}${statement}`, { cause: error });
}

/** active_sql_transaction: VACUUM, CREATE DATABASE and their like. */
const NOT_IN_TRANSACTION = '25001';

/** The server gives the place of some errors, in characters from 1. */
function linesBefore(sql: string, error: unknown): number | undefined {
  const { position } = error as { position?: string };
  if (position === undefined) return undefined;
  let left = Number(position) - 1;
  let lines = 0;
  // By characters, of which a string may need two units for one.
  for (const character of sql) {
    if (left === 0) break;
    left -= 1;
    if (character === '\n') lines += 1;
  }
  return lines;
}
