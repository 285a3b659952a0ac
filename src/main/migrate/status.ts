import { compare, type StatusItem } from './compare.ts';
import { readMigrations } from './files.ts';
import { readLedger } from './ledger.ts';
import { type MigrateOptions, withDefaults } from './options.ts';
import { withSession } from './session.ts';

/** Where every migration stands, in chronological order. Changes nothing, and takes no lock. */
export async function migrationStatus(options: MigrateOptions): Promise<StatusItem[]> {
  const settings = withDefaults(options);
  const migrations = await readMigrations(settings.directory);
  return withSession(settings, async (client) => compare(migrations, await readLedger(client)));
}

/** `--json`, as a fixed interface has it. */
export function statusAsJson(items: readonly StatusItem[]): string {
  return JSON.stringify({ items: items.map(({ id, state, applied_at }) => ({ id, state, applied_at })) });
}
