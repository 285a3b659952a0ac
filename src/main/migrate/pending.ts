import type { Queryable } from '../database/connect.ts';
import { listMigrations, migrationsDirectory } from './files.ts';
import { appliedIds } from './ledger.ts';

/**
 * The ids that are not applied, by the names of the files: no lock, no check of their content. For a look at the
 * health of a database, where nothing may be made.
 */
export async function pendingMigrations(
  database: Queryable,
  directory: string = migrationsDirectory,
): Promise<string[]> {
  const applied = new Set(await appliedIds(database));
  return (await listMigrations(directory)).filter((id) => !applied.has(id));
}
