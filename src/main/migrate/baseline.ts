import type { Queryable } from '../database/connect.ts';
import { type ChangeOptions, changeLedger } from './change-ledger.ts';
import { EXIT, MigrationError } from './error.ts';
import { readMigrations } from './files.ts';
import { recordAdopted } from './ledger.ts';
import { withDefaults } from './options.ts';
import { planUp } from './plan.ts';
import { readyPairs } from './ready.ts';
import { tablesMade } from './tables-made.ts';

export type BaselineOptions = ChangeOptions & {
  /** The last migration that the database has already. */
  id: string;
};

/**
 * Adopts a database that was made without the ledger: every migration up to `id` counts as applied, and none is run.
 * Of what they make, only the tables are looked for.
 * @returns what was recorded, for a person; nothing when all of them are known already
 * @throws MigrationError also when the ledger contradicts, or when a table is not there
 */
export async function recordBaseline(options: BaselineOptions): Promise<string[]> {
  const { directory, id } = withDefaults(options);
  const migrations = await readMigrations(directory);
  if (!migrations.some((migration) => migration.id === id))
    throw new MigrationError(EXIT.usage, `--baseline ${id}: there is no such migration`);
  return changeLedger(options, async (rows, database) => {
    const { pending } = planUp(migrations, rows, { to: id, allowOutOfOrder: false, newer: 'refuse' });
    await readyPairs(pending);
    await refuseWithoutTables(database, await tablesMade(pending.map(({ up }) => up)));
    return pending.map((migration) => ({
      what: `${migration.id} counts as applied, and was not run`,
      write: (transaction) => recordAdopted(transaction, migration),
    }));
  });
}

/** @param tables their names as SQL, and where each is made */
async function refuseWithoutTables(database: Queryable, tables: ReadonlyMap<string, string>): Promise<void> {
  const { rows } = await database.query<{ name: string }>(MISSING_TABLES, [[...tables.keys()]]);
  const faults = rows.map(
    ({ name }) =>
      `${tables.get(name)}: it makes the table ${name}, which this database has not: choose an earlier migration, which it has, and apply the rest with --up`,
  );
  if (faults.length > 0) throw new MigrationError(EXIT.filesInvalid, faults);
}

const MISSING_TABLES = 'select name from unnest($1::text[]) as wanted (name) where to_regclass(name) is null';
