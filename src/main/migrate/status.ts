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

/** A table for a person, and a line that sums it up. */
export function statusAsTable(items: readonly StatusItem[]): string {
  const width = Math.max(2, ...items.map(({ id }) => id.length));
  const row = (state: string, id: string, at: string, note: string) =>
    `${state.padEnd(8)}  ${id.padEnd(width)}  ${at.padEnd(19)}  ${note}`.trimEnd();
  const lines = items.map(({ id, state, applied_at, note }) => row(state, id, second(applied_at), note));
  return [row('STATE', 'ID', 'APPLIED AT (UTC)', ''), ...lines, '', summary(items)].join('\n');
}

function second(time: Date | null): string {
  return time === null ? '' : time.toISOString().slice(0, 19).replace('T', ' ');
}

function summary(items: readonly StatusItem[]): string {
  const counts = new Map<string, number>();
  for (const { state } of items) counts.set(state, (counts.get(state) ?? 0) + 1);
  const parts = [...counts].map(([state, count]) => `${count} ${state}`);
  return parts.length === 0 ? 'there are no migrations' : parts.join(', ');
}
