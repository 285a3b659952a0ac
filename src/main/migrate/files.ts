import { type Dirent, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe } from '../database/errors.ts';
import { packageRoot } from '../package-root.ts';
import { EXIT, MigrationError } from './error.ts';
import { type Direction, isIgnored, parseName, timeOf } from './names.ts';
import { readScript, type Script } from './script.ts';

/** A pair of files. */
export interface Migration {
  id: string;
  up: Script;
  down: Script;
}

/** Where the migrations of this package are. */
export const migrationsDirectory: string = join(packageRoot, 'migrations');

/**
 * Reads and checks every file of a folder.
 * @returns the pairs in chronological order
 * @throws MigrationError with all faults at once
 */
export async function readMigrations(directory: string): Promise<Migration[]> {
  const faults: string[] = [];
  const files = findFiles(await listFolder(directory), faults);
  const migrations: Migration[] = [];
  for (const id of [...files.keys()].sort()) {
    const directions = files.get(id) ?? [];
    const up = readPart(directory, id, 'UP', directions, faults);
    const down = readPart(directory, id, 'DOWN', directions, faults);
    if (up && down) migrations.push({ id, up, down });
  }
  if (faults.length > 0) throw new MigrationError(EXIT.filesInvalid, faults.sort());
  return migrations;
}

/** The ids of all pairs in a folder, by their names alone. */
export async function listMigrations(directory: string): Promise<string[]> {
  return [...findFiles(await listFolder(directory), []).keys()].sort();
}

/** The DOWN file of a migration, or undefined when it is gone. */
export async function readDown(directory: string, id: string): Promise<Script | undefined> {
  const file = `${id}_DOWN.sql`;
  const bytes = await readFile(join(directory, file)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new MigrationError(EXIT.filesInvalid, `${file}: ${error.message}`);
  });
  return bytes && readScript(file, 'DOWN', bytes);
}

async function listFolder(directory: string): Promise<Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    const message = `the folder of the migrations cannot be read: ${describe(error).message}`;
    throw new MigrationError(EXIT.filesInvalid, message);
  }
}

/** Ids and the directions there are for them. */
function findFiles(entries: readonly Dirent[], faults: string[]): Map<string, Direction[]> {
  const files = new Map<string, Direction[]>();
  const idAt = new Map<string, string>();
  for (const entry of entries) {
    if (isIgnored(entry.name)) continue;
    const name = entry.isFile()
      ? parseName(entry.name)
      : { fault: `${entry.name}: it is not a plain file: move it elsewhere` };
    if ('fault' in name) {
      faults.push(name.fault);
      continue;
    }
    const { id, direction } = name;
    const rival = idAt.get(timeOf(id)) ?? id;
    if (rival !== id && !files.has(id))
      faults.push(
        `${id}: it has the same time as ${rival}: rename the files of one of them, and its folder in drizzle/`,
      );
    idAt.set(timeOf(id), rival);
    files.set(id, [...(files.get(id) ?? []), direction]);
  }
  return files;
}

/** Not asynchronously, which would take three times as long for thousands of small files. */
function readPart(
  directory: string,
  id: string,
  direction: Direction,
  directions: readonly Direction[],
  faults: string[],
): Script | undefined {
  const file = `${id}_${direction}.sql`;
  if (!directions.includes(direction)) {
    faults.push(`${file}: it is missing, and ${id}_${directions[0]}.sql is there: a migration needs both`);
    return undefined;
  }
  try {
    return readScript(file, direction, readFileSync(join(directory, file)));
  } catch (error) {
    faults.push(
      ...(error instanceof MigrationError ? error.faults : [`${file}: ${describe(error).message}`]),
    );
    return undefined;
  }
}
