import { type ChangeOptions, changeLedger, type LedgerChange } from './change-ledger.ts';
import { EXIT, MigrationError } from './error.ts';
import { type Migration, readMigrations } from './files.ts';
import { type LedgerRow, recordFiles, recordFinished, recordRolledBack } from './ledger.ts';
import { withDefaults } from './options.ts';
import { isEdited } from './plan.ts';
import { readyPairs } from './ready.ts';

export type RepairOptions = ChangeOptions & {
  id: string;
  /** What a person has made of it. */
  as: 'applied' | 'pending';
};

/**
 * Tells the ledger how a migration that did not run to its end was put right. One that counts as applied does so with
 * its files as they are now.
 * @returns what was changed, for a person
 * @throws MigrationError also when there is nothing to repair
 */
export async function repairHalfRun(options: RepairOptions): Promise<string[]> {
  const { directory, id, as } = withDefaults(options);
  const migration = (await readMigrations(directory)).find((pair) => pair.id === id);
  return changeLedger(options, async (rows) => {
    const row = rows.find((candidate) => candidate.id === id);
    const refusal = refuseRepair(id, migration, row);
    if (refusal !== undefined) throw new MigrationError(EXIT.usage, `--repair ${id}: ${refusal}`);
    if (as === 'pending')
      return [
        {
          what: `${id} counts as pending: --up runs it`,
          write: (database) => recordRolledBack(database, id),
        },
      ];
    const edited = migration && row && isEdited(migration, row) ? migration : undefined;
    return [await finish(id, edited)];
  });
}

function refuseRepair(
  id: string,
  migration: Migration | undefined,
  row: LedgerRow | undefined,
): string | undefined {
  if (row === undefined && migration === undefined) return 'there is no such migration';
  if (row === undefined) return 'it is pending, and there is nothing to repair: --up applies it';
  if (row.status !== 'applied') return undefined;
  const edited = migration && isEdited(migration, row);
  return `it is applied, and there is nothing to repair${edited ? `; --repair ${id} --accept accepts its edited files` : ''}`;
}

async function finish(id: string, edited: Migration | undefined): Promise<LedgerChange> {
  if (edited) await readyPairs([edited]);
  return {
    what: `${id} counts as applied${edited ? ', with its files as they are now' : ''}`,
    write: async (database) => {
      await recordFinished(database, id);
      if (edited) await recordFiles(database, edited);
    },
  };
}
