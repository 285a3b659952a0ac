import type pg from 'pg';
import type { Observe } from '../observe/events.ts';
import { runInTransaction } from './run-in-transaction.ts';
import { runWithoutTransaction } from './run-without-transaction.ts';
import type { Script } from './script.ts';
import { prepareSession } from './session.ts';

/** What the ledger is told of a script. */
export interface LedgerSteps {
  /** Only for a script without a transaction: that it begins. */
  running: () => Promise<void>;
  /** In the script's transaction when it has one. */
  finished: () => Promise<void>;
}

export interface RunOptions {
  lockTimeoutSeconds: number;
  observe: Observe;
}

/**
 * Runs one script of the migration `id` as its directives say, and leaves the session as it was.
 * @throws MigrationError
 */
export async function runScript(
  client: pg.Client,
  id: string,
  script: Script,
  ledger: LedgerSteps,
  { lockTimeoutSeconds, observe }: RunOptions,
): Promise<void> {
  if (script.transactional) {
    const onRetry = (reason: string) => observe({ event: 'migration_retried', id, reason });
    await runInTransaction(client, script, lockTimeoutSeconds, ledger.finished, onRetry);
    await prepareSession(client, lockTimeoutSeconds);
  } else {
    await ledger.running();
    await runWithoutTransaction(client, id, script);
    await prepareSession(client, lockTimeoutSeconds);
    await ledger.finished();
  }
}
