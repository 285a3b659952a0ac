import type pg from 'pg';
import { noteVersions } from '../database/agents/versions.ts';
import { EXIT, MigrationError } from './error.ts';
import { readDown } from './files.ts';
import { type LedgerRow, readLedger, recordDownRunning, recordRolledBack } from './ledger.ts';
import { ensureLedger } from './ledger-table.ts';
import { takeMigrationLock } from './lock.ts';
import { type MigrateOptions, withDefaults } from './options.ts';
import { planDown } from './plan.ts';
import { type RunOptions, runScript } from './run-script.ts';
import { scriptOf } from './script.ts';
import { prepareSession, withSession } from './session.ts';
import { makeReady, type ReadyScript } from './statements.ts';

export type RollbackOptions = MigrateOptions & {
  /** How many to undo. */
  count: number;
};

/** A migration to undo, and how. */
export interface DownStep {
  id: string;
  down: ReadyScript;
}

/**
 * Undoes the migrations that were applied last, the last one first, with the DOWN files or, where one is gone, with
 * what the ledger has kept of it. Fewer than `count` when no more are applied. Only the files that are used must be
 * valid: a fault elsewhere does not keep anybody from going back.
 * @throws MigrationError; before anything is undone when one of them is irreversible. What was undone before one that
 *   failed stays undone
 */
export async function migrateDown(options: RollbackOptions): Promise<{ rolledBack: string[] }> {
  const settings = withDefaults(options);
  return withSession(settings, async (client) => {
    const session = await prepareSession(client, settings.lockTimeoutSeconds);
    await takeMigrationLock(client, settings.lockTimeoutSeconds, settings.observe);
    const steps = await readSteps(client, settings);
    if (steps.length > 0) await ensureLedger(client);
    for (const step of steps) await rollBackMigration(client, step, { ...settings, settings: session });
    await noteVersions(client);
    return { rolledBack: steps.map(({ id }) => id) };
  });
}

/** What `migrateDown` would undo. Changes nothing, and takes no lock. */
export async function previewDown(options: RollbackOptions): Promise<DownStep[]> {
  const settings = withDefaults(options);
  return withSession(settings, (client) => readSteps(client, settings));
}

/**
 * Undoes one migration and takes it out of the ledger. Only for the holder of the migration lock.
 * @throws MigrationError
 */
export async function rollBackMigration(
  client: pg.Client,
  { id, down }: DownStep,
  options: RunOptions,
): Promise<void> {
  const started = performance.now();
  const ledger = {
    running: (at: string) => recordDownRunning(client, id, at),
    finished: () => recordRolledBack(client, id),
  };
  await runScript(client, id, down, ledger, options);
  options.observe({ event: 'migration_rolled_back', id, duration_ms: performance.now() - started });
}

async function readSteps(
  client: pg.Client,
  { directory, count }: { directory: string; count: number },
): Promise<DownStep[]> {
  const rows = planDown(await readLedger(client), count);
  const steps = await Promise.all(rows.map((row) => readStep(directory, row)));
  const refusals = steps.flatMap(({ down }) =>
    down.irreversible === undefined ? [] : `${down.file}: it cannot be undone: ${down.irreversible}`,
  );
  if (refusals.length > 0) throw new MigrationError(EXIT.filesInvalid, refusals);
  return steps;
}

async function readStep(directory: string, { id, down_sql }: LedgerRow): Promise<DownStep> {
  const down = (await readDown(directory, id)) ?? scriptOf(`${id}_DOWN.sql`, 'DOWN', down_sql);
  return { id, down: await makeReady(down) };
}
