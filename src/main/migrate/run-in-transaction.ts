import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { MigrationError } from './error.ts';
import type { Script } from './script.ts';
import { FIND_LEDGER, milliseconds, sqlState } from './session.ts';
import { commitFault, statementFault } from './statement-fault.ts';

/**
 * Runs a script, and `record` as its last step, in one transaction. Its statements wait for a lock at most two
 * seconds each, because whoever comes after a waiting ALTER TABLE waits as well; the transaction is then tried
 * again, until `lockTimeoutSeconds` are over.
 * @param onRetry is told why, before each further try
 * @throws MigrationError that names file, line, SQLSTATE and statement; nothing of the script is left then
 */
export async function runInTransaction(
  client: pg.Client,
  script: Script,
  lockTimeoutSeconds: number,
  record: () => Promise<void>,
  onRetry: (reason: string) => void,
): Promise<void> {
  const deadline = performance.now() + lockTimeoutSeconds * 1000;
  for (;;) {
    try {
      await tryOnce(client, script, Math.min(STATEMENT_LOCK_SECONDS, lockTimeoutSeconds), record);
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
  script: Script,
  lockSeconds: number,
  record: () => Promise<void>,
): Promise<void> {
  try {
    await client.query(`begin; set local lock_timeout = '${milliseconds(lockSeconds)}'`);
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

async function runStatements(client: pg.Client, script: Script): Promise<void> {
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
