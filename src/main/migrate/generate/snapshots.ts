import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, MigrationError } from '../error.ts';

/** One thing of a schema, such as a column, as drizzle-kit describes it. */
export interface Entity {
  entityType: string;
  schema?: string;
  table?: string;
  name: string;
  [property: string]: unknown;
}

/** One step from a schema to the next. A key is the entity's type and its names, as they are once renames are done. */
export type Delta =
  | { op: 'create'; row: Entity }
  | { op: 'drop'; key: string }
  | { op: 'alter' | 'rename'; key: string; set: Record<string, unknown> };

/** drizzle-kit's `snapshot.json`: the first one holds the whole schema, the others what they changed. */
export interface Snapshot {
  id: string;
  prevIds: string[];
  type: 'base' | 'diff';
  ddl?: Entity[];
  deltas?: Delta[];
  footprints?: unknown[];
}

/** A folder of drizzle-kit. */
export interface SnapshotFolder {
  /** Its name, which is the id of the pair that belongs to it. */
  name: string;
  path: string;
  snapshot: Snapshot;
}

/**
 * Reads every folder that holds a snapshot, in chronological order.
 * @throws MigrationError when one is not drizzle-kit's
 */
export async function readSnapshots(drizzle: string): Promise<SnapshotFolder[]> {
  const folders: SnapshotFolder[] = [];
  for (const name of (await readdir(drizzle)).sort()) {
    const path = join(drizzle, name);
    const text = await readIfThere(join(path, 'snapshot.json'));
    if (text !== undefined) folders.push({ name, path, snapshot: parse(name, text) });
  }
  return folders;
}

/** A file's text, or undefined when there is none. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** What a snapshot changed; for the first one, everything that it made. */
export function deltasOf(snapshot: Snapshot): Delta[] {
  return snapshot.deltas ?? (snapshot.ddl ?? []).map((row) => ({ op: 'create', row }));
}

/** A delta's key, taken apart. */
export function parseKey(key: string): { entityType: string; names: string[] } {
  const [entityType = '', names = '[]'] = key.split('\0');
  return { entityType, names: JSON.parse(names) as string[] };
}

function parse(name: string, text: string): Snapshot {
  try {
    const snapshot = JSON.parse(text) as Snapshot;
    if (typeof snapshot.id === 'string' && Array.isArray(snapshot.prevIds)) return snapshot;
  } catch {
    // As the next line says.
  }
  throw new MigrationError(
    EXIT.filesInvalid,
    `drizzle/${name}/snapshot.json: it is not a snapshot of drizzle-kit; restore it from git, or remove its folder if that has no pair`,
  );
}
