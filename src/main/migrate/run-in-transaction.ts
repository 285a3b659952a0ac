import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { MigrationError } from './error.ts';
import { sendWhole } from './send-whole.ts';
import { FIND_LEDGER, milliseconds, sqlState } from './session.ts';
import { commitFault, statementFault } from './statement-fault.ts';
import type { ReadyScript } from './statements.ts';

/**
 * Runs a script, and `record` as its last step, in one transaction. Its statements wait for a lock at most two
 * seconds each, because whoever comes after a waiting ALTER TABLE waits as well; the transaction is then tried
 * again, until `lockTimeoutSeconds` are over.
 * @param settings SQL that gives the session its settings
 * @param onRetry is told why, before each further try
 * @throws MigrationError that names file, line, SQLSTATE and statement; nothing of the script is left then.
 *   TransactionEnded when a script that was not parsed has ended its transaction itself
 */
export async function runInTransaction(
  client: pg.Client,
  script: ReadyScript,
  { settings, lockTimeoutSeconds }: { settings: string; lockTimeoutSeconds: number },
  record: () => Promise<void>,
  onRetry: (reason: string) => void,
): Promise<void> {
  const deadline = performance.now() + lockTimeoutSeconds * 1000;
  const lockTimeout = milliseconds(Math.min(STATEMENT_LOCK_SECONDS, lockTimeoutSeconds));
  // In one message, for the sake of many small files.
  const begin = `${settings}; begin; set local lock_timeout = '${lockTimeout}'`;
  for (;;) {
    try {
      await tryOnce(client, script, begin, record);
      return;
    } catch (error) {
      if (!isLockTrouble(error) || performance.now() >= deadline) throw error;
      onRetry((error as Error).message);
      await sleep(RETRY_PAUSE_MS);
    }
  }
}

const STATEMENT_LOCK_SECONDS = 2;
const RETRY_PAUSE_MS = 1000;

async function tryOnce(
  client: pg.Client,
  script: ReadyScript,
  begin: string,
  record: () => Promise<void>,
): Promise<void> {
  try {
    await client.query(begin);
    await runStatements(client, script);
    await client.query(FIND_LEDGER);
    await record();
    await client.query('commit');
  } catch (error) {
    // A broken connection has rolled back by itself.
    await client.query('rollback').catch(() => {});
    throw error instanceof MigrationError ? error : commitFault(script, error);
  }
}

async function runStatements(client: pg.Client, script: ReadyScript): Promise<void> {
  if (script.statements === null) return sendWhole(client, script);
  for (const statement of script.statements) {
    try {
      await client.query(statement.text);
    } catch (error) {
      throw statementFault(script, statement, error);
    }
  }
}

/** lock_not_available and deadlock_detected: the next try may well succeed. */
function isLockTrouble(error: unknown): boolean {
  return ['55P03', '40P01'].includes(sqlState((error as Error).cause) ?? '');
}
