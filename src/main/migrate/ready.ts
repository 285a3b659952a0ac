import { EXIT, MigrationError } from './error.ts';
import type { Migration } from './files.ts';
import type { Script } from './script.ts';
import { makeReady, type ReadyScript } from './statements.ts';

/** A pair whose statements are known. */
export interface ReadyMigration extends Migration {
  up: ReadyScript;
  down: ReadyScript;
}

/**
 * Reads the statements of pairs that are to run.
 * @throws MigrationError with all faults of all of them at once
 */
export async function readyPairs(migrations: readonly Migration[]): Promise<ReadyMigration[]> {
  const faults: string[] = [];
  const ready: ReadyMigration[] = [];
  for (const migration of migrations) {
    const up = await readyPart(migration.up, faults);
    const down = await readyPart(migration.down, faults);
    if (up && down) ready.push({ ...migration, up, down });
  }
  if (faults.length > 0) throw new MigrationError(EXIT.filesInvalid, faults);
  return ready;
}

async function readyPart(script: Script, faults: string[]): Promise<ReadyScript | undefined> {
  try {
    return await makeReady(script);
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    faults.push(...error.faults);
    return undefined;
  }
}
