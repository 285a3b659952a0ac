import type { Queryable } from '../database/connect.ts';
import { type LedgerRow, readLedger } from './ledger.ts';
import { ensureLedger } from './ledger-table.ts';
import { takeMigrationLock } from './lock.ts';
import { type MigrateOptions, withDefaults } from './options.ts';
import { prepareSession, withSession } from './session.ts';

export type ChangeOptions = MigrateOptions & {
  /** Only says what would be changed: takes no lock. */
  dryRun: boolean;
};

/** What a person tells the ledger. */
export interface LedgerChange {
  /** For a person. */
  what: string;
  write: (database: Queryable) => Promise<void>;
}

/**
 * Changes the ledger and nothing else, under the lock and all at once.
 * @returns what was changed
 * @throws MigrationError
 */
export async function changeLedger(
  options: ChangeOptions,
  decide: (rows: LedgerRow[], database: Queryable) => Promise<LedgerChange[]>,
): Promise<string[]> {
  const settings = withDefaults(options);
  return withSession(settings, async (client) => {
    if (!settings.dryRun) {
      await prepareSession(client, settings.lockTimeoutSeconds);
      await takeMigrationLock(client, settings.lockTimeoutSeconds, settings.observe);
    }
    const changes = await decide(await readLedger(client), client);
    if (!settings.dryRun && changes.length > 0) {
      await ensureLedger(client);
      await client.query('begin');
      for (const { write } of changes) await write(client);
      await client.query('commit');
    }
    return changes.map(({ what }) => what);
  });
}
