import type pg from 'pg';
import { noteVersions } from '../database/agents/versions.ts';
import { readMigrations } from './files.ts';
import { readLedger, recordApplied, recordUpRunning } from './ledger.ts';
import { ensureLedger } from './ledger-table.ts';
import { takeMigrationLock } from './lock.ts';
import { type MigrateOptions, withDefaults } from './options.ts';
import { planUp, type UpWishes } from './plan.ts';
import { type ReadyMigration, readyPairs } from './ready.ts';
import { type RunOptions, runScript } from './run-script.ts';
import { prepareSession, withSession } from './session.ts';

export type UpOptions = MigrateOptions & Partial<UpWishes>;

/**
 * Applies what is pending, in chronological order. Any number of processes may do so at once: each file runs once.
 * All pending files are checked before anything runs. Newer migrations than the files know are an event, as a runner of an
 * older release meets them after a rollback of the release; `newer: 'refuse'` makes them an error.
 * @throws MigrationError; files before the one that failed stay applied
 */
export async function migrateUp(options: UpOptions): Promise<{ applied: string[] }> {
  const settings = withDefaults(options);
  const { lockTimeoutSeconds, observe } = settings;
  const migrations = await readMigrations(settings.directory);
  return withSession(settings, async (client) => {
    const session = await prepareSession(client, lockTimeoutSeconds);
    await takeMigrationLock(client, lockTimeoutSeconds, observe);
    const { pending, newer } = planUp(migrations, await readLedger(client), wishes(options));
    const ready = await readyPairs(pending);
    await ensureLedger(client);
    if (newer.length > 0) observe({ event: 'migrations_newer', ids: newer });
    for (const migration of ready)
      await applyMigration(client, migration, { ...settings, settings: session });
    await noteVersions(client);
    return { applied: ready.map(({ id }) => id) };
  });
}

/** What `migrateUp` would apply. Changes nothing, and takes no lock. */
export async function previewUp(options: UpOptions): Promise<ReadyMigration[]> {
  const settings = withDefaults(options);
  const migrations = await readMigrations(settings.directory);
  return withSession(settings, async (client) => {
    return readyPairs(planUp(migrations, await readLedger(client), wishes(options)).pending);
  });
}

/**
 * Applies one migration and notes it in the ledger. Only for the holder of the migration lock.
 * @throws MigrationError
 */
export async function applyMigration(
  client: pg.Client,
  migration: ReadyMigration,
  options: RunOptions,
): Promise<void> {
  const { id, up } = migration;
  const started = performance.now();
  const ledger = {
    running: (at: string) => recordUpRunning(client, migration, at),
    finished: () => recordApplied(client, migration, performance.now() - started),
  };
  await runScript(client, id, up, ledger, options);
  options.observe({ event: 'migration_applied', id, duration_ms: performance.now() - started });
}

function wishes({ to, allowOutOfOrder = false, newer = 'warn' }: UpOptions): UpWishes {
  return { to, allowOutOfOrder, newer };
}
