import { type ChangeOptions, changeLedger } from './change-ledger.ts';
import { EXIT, MigrationError } from './error.ts';
import { type Migration, readMigrations } from './files.ts';
import { type LedgerRow, recordFiles } from './ledger.ts';
import { withDefaults } from './options.ts';
import { isEdited } from './plan.ts';
import { readyPairs } from './ready.ts';

export type AcceptOptions = ChangeOptions & {
  /** Every edited one when there is none. */
  ids: readonly string[];
};

/**
 * Takes the files of applied migrations as they are now, after they were edited. Runs nothing of them.
 * @returns what was changed, for a person
 * @throws MigrationError also when there is nothing to accept
 */
export async function acceptEdits(options: AcceptOptions): Promise<string[]> {
  const { directory, ids } = withDefaults(options);
  const migrations = await readMigrations(directory);
  return changeLedger(options, async (rows) => {
    const edited = chooseEdited(migrations, rows, ids);
    await readyPairs(edited);
    return edited.map((migration) => ({
      what: `${migration.id} is accepted as its files are now`,
      write: (database) => recordFiles(database, migration),
    }));
  });
}

/** @throws MigrationError */
function chooseEdited(
  migrations: readonly Migration[],
  rows: readonly LedgerRow[],
  ids: readonly string[],
): Migration[] {
  const refusalOf = (id: string) =>
    refuseAccept(
      migrations.find((migration) => migration.id === id),
      rows.find((row) => row.id === id),
    );
  const faults = ids.flatMap((id) => {
    const refusal = refusalOf(id);
    return refusal === undefined ? [] : `--repair ${id} --accept: ${refusal}`;
  });
  if (faults.length > 0) throw new MigrationError(EXIT.usage, faults);
  const chosen = migrations.filter(({ id }) =>
    ids.length > 0 ? ids.includes(id) : refusalOf(id) === undefined,
  );
  if (chosen.length === 0)
    throw new MigrationError(EXIT.usage, '--repair --accept: no applied migration was edited');
  return chosen;
}

function refuseAccept(migration: Migration | undefined, row: LedgerRow | undefined): string | undefined {
  if (row === undefined)
    return migration ? 'it is pending: there is nothing to accept' : 'there is no such migration';
  if (migration === undefined) return 'its files are missing: bring them back';
  if (row.status !== 'applied') return 'it did not run to its end: say --as applied or --as pending';
  return isEdited(migration, row) ? undefined : 'its files are as they were when it was applied';
}
