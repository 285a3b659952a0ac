import { listMigrations } from '../files.ts';
import { nextId } from './ids.ts';
import { writePair } from './pair.ts';
import { soleMaker } from './sole-maker.ts';

/**
 * Writes a pair without a statement, to be written by hand. Needs no database and no drizzle-kit.
 * @returns the paths of its two files
 * @throws MigrationError
 */
export function makeEmptyPair(
  name: string,
  directory: string,
  lockTimeoutSeconds: number,
): Promise<string[]> {
  return soleMaker(directory, lockTimeoutSeconds, async () => {
    const id = nextId(name, new Date(), await listMigrations(directory));
    return writePair(directory, id, EMPTY);
  });
}

const EMPTY = {
  up: '-- Write here what the migration does.\n',
  down: '-- Write here what undoes the UP, or only: -- heddle:irreversible REASON\n',
};
