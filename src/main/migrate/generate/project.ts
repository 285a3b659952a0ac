import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { EXIT, MigrationError } from '../error.ts';

/** The folders that a pair is made from and in. */
export interface Project {
  /** Where drizzle.config.ts is. */
  root: string;
  migrations: string;
  /** Of drizzle-kit's snapshots, and of the schema. */
  drizzle: string;
  /** Rows to prove pairs with, for those who want it. */
  rows: string;
}

/**
 * Finds the project that a folder of migrations belongs to: drizzle.config.ts is beside it or above.
 * @throws MigrationError when there is none
 */
export function findProject(directory: string): Project {
  const migrations = resolve(directory);
  for (let folder = dirname(migrations); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'drizzle.config.ts'))) {
      const drizzle = join(folder, 'drizzle');
      return { root: folder, migrations, drizzle, rows: join(drizzle, 'rows') };
    }
    if (folder === dirname(folder)) break;
  }
  const message = `there is no drizzle.config.ts beside ${migrations} or above it: this works in a checkout`;
  throw new MigrationError(EXIT.usage, message);
}

/** A path as a person in the working directory writes it. */
export function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}
