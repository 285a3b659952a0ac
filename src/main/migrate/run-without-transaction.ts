import type pg from 'pg';
import { MigrationError } from './error.ts';
import { recordFailed, recordProgress } from './ledger.ts';
import { brief } from './script.ts';
import { FIND_LEDGER } from './session.ts';
import { statementFault } from './statement-fault.ts';
import type { SplitScript, Statement } from './statements.ts';

/**
 * Runs a script statement by statement, each for itself, and keeps in the ledger how far it has come.
 * @param id of the migration
 * @param recordRunning notes that it begins, and at which statement
 * @throws MigrationError that names file, line, SQLSTATE and statement; the row says `failed` then
 */
export async function runWithoutTransaction(
  client: pg.Client,
  id: string,
  script: SplitScript,
  recordRunning: (at: string) => Promise<void>,
): Promise<void> {
  await recordRunning(placeOf(script, 0));
  for (const [done, statement] of script.statements.entries()) {
    try {
      await runStatement(client, statement);
    } catch (error) {
      const known = statement.atomic ? done : null;
      const fault = withWhatStayed(statementFault(script, statement, error), id, known);
      // When the connection is gone, the row goes on saying `running`, which is as true.
      await inLedger(client, () => recordFailed(client, id, known, fault.message)).catch(() => {});
      throw fault;
    }
    await inLedger(client, () => recordProgress(client, id, done + 1, placeOf(script, done + 1)));
  }
}

/** @param done how many statements were done, or null when a part of the failed one may have been, too */
function withWhatStayed(fault: MigrationError, id: string, done: number | null): MigrationError {
  if (done === 0) return fault;
  const stayed = done === null ? 'a part of it may have stayed' : `its first ${done} statements have stayed`;
  const advice = `${stayed}: finish or undo it by hand, and say so with --repair ${id} --as applied or --as pending`;
  return new MigrationError(fault.exitCode, `${fault.message}; ${advice}`, { cause: fault.cause });
}

/** For the person who finds that the process was killed here. */
function placeOf({ file, statements }: SplitScript, done: number): string {
  const statement = statements[done];
  if (statement === undefined) return `${file}: all of its statements were done`;
  return `${file}:${statement.line}: was last in statement ${done + 1}: ${brief(statement.text)}`;
}

/**
 * An index that an earlier try of `create index concurrently` left behind invalid is dropped first: the statement
 * would stumble over it or, with IF NOT EXISTS, leave it as it is.
 */
async function runStatement(client: pg.Client, { text, index }: Statement): Promise<void> {
  if (index) {
    const { rows } = await client.query<{ invalid: string }>(INVALID_INDEX, [index.table, index.name]);
    for (const { invalid } of rows) await client.query(`drop index concurrently ${invalid}`);
  }
  await client.query(text);
}

const INVALID_INDEX = `
  select indexrelid::regclass::text as invalid
  from pg_index join pg_class on pg_class.oid = indexrelid
  where indrelid = to_regclass($1) and relname = $2 and not indisvalid`;

/** In a transaction of its own, so that the file's settings are the file's again afterwards. */
async function inLedger(client: pg.Client, record: () => Promise<void>): Promise<void> {
  await client.query(`begin; ${FIND_LEDGER}`);
  await record();
  await client.query('commit');
}
