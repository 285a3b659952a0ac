import type pg from 'pg';
import type { Observe } from '../observe/events.ts';
import { recordFailed } from './ledger.ts';
import { runInTransaction } from './run-in-transaction.ts';
import { runWithoutTransaction } from './run-without-transaction.ts';
import { TransactionEnded } from './send-whole.ts';
import { FIND_LEDGER } from './session.ts';
import type { ReadyScript } from './statements.ts';

/** What the ledger is told of a script. */
export interface LedgerSteps {
  /** Only for a script that runs, or has run, without a transaction: that it begins. @param at where it is */
  running: (at: string) => Promise<void>;
  /** In the script's transaction when it has one. */
  finished: () => Promise<void>;
}

export interface RunOptions {
  /** SQL that brings back the session's settings, whatever the file before has set. */
  settings: string;
  lockTimeoutSeconds: number;
  observe: Observe;
}

/**
 * Runs one script of the migration `id` as its directives say.
 * @throws MigrationError
 */
export async function runScript(
  client: pg.Client,
  id: string,
  script: ReadyScript,
  ledger: LedgerSteps,
  options: RunOptions,
): Promise<void> {
  const { settings, observe } = options;
  if (script.statements === null) observe({ event: 'migration_not_parsed', file: script.file });
  if (script.statements === null || script.transactional) {
    const onRetry = (reason: string) => observe({ event: 'migration_retried', id, reason });
    try {
      await runInTransaction(client, script, options, ledger.finished, onRetry);
    } catch (error) {
      if (error instanceof TransactionEnded) await recordHalfRun(client, id, ledger, error.message);
      throw error;
    }
  } else {
    await client.query(settings);
    await runWithoutTransaction(client, id, script, ledger.running);
    await client.query(settings);
    await ledger.finished();
  }
}

async function recordHalfRun(
  client: pg.Client,
  id: string,
  ledger: LedgerSteps,
  error: string,
): Promise<void> {
  await client.query(`begin; ${FIND_LEDGER}`);
  await ledger.running(error);
  await recordFailed(client, id, null, error);
  await client.query('commit');
}
