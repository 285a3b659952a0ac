import { describe } from '../database/errors.ts';
import { EXIT, MigrationError } from './error.ts';
import { brief, type Script } from './script.ts';
import { sqlState } from './session.ts';
import type { Statement } from './statements.ts';

/** The error of a statement, with file, line, SQLSTATE and the statement itself. */
export function statementFault(script: Script, statement: Statement, error: unknown): MigrationError {
  const line = statement.line + linesBefore(statement.text, error);
  return fault(`${script.file}:${line}`, error, ` in: ${brief(statement.text)}`);
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
function linesBefore(statement: string, error: unknown): number {
  const { position } = error as { position?: string };
  if (position === undefined) return 0;
  const characters = Array.from(statement).slice(0, Number(position) - 1);
  return characters.filter((character) => character === '\n').length;
}
