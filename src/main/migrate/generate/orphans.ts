import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, MigrationError } from '../error.ts';
import { listMigrations } from '../files.ts';
import { isTime, parseName, timeOf } from '../names.ts';
import { nextId } from './ids.ts';
import type { Project } from './project.ts';
import { readIfThere, readSnapshots, type SnapshotFolder } from './snapshots.ts';

/**
 * The folders of drizzle-kit that no pair belongs to, in chronological order: a bare `drizzle-kit generate` made them,
 * or a process that died, or their pair was refused.
 */
export async function orphansOf(project: Project): Promise<SnapshotFolder[]> {
  const ids = new Set(await listMigrations(project.migrations));
  return (await readSnapshots(project.drizzle)).filter(({ name }) => !ids.has(name));
}

/** Takes away what a drizzle-kit that was killed had only begun to write: its snapshot is missing or empty. */
export async function removeUnfinished(project: Project): Promise<void> {
  const ids = new Set(await listMigrations(project.migrations));
  for (const name of await readdir(project.drizzle)) {
    if (!isTime(timeOf(name)) || ids.has(name)) continue;
    const path = join(project.drizzle, name);
    const isEmpty = (await readdir(path)).length === 0;
    if (isEmpty || (await readIfThere(join(path, 'snapshot.json'))) === '')
      await rm(path, { recursive: true });
  }
}

/**
 * Gives a folder a name that its pair can have, behind all pairs. It was never applied anywhere, so its time is free to
 * choose.
 * @returns the folder as it is called now
 * @throws MigrationError when its name cannot be a pair's, or when it had a pair that is gone
 */
export async function placeBehindPairs(project: Project, folder: SnapshotFolder): Promise<SnapshotFolder> {
  if ('fault' in parseName(`${folder.name}_UP.sql`)) throw unusable(folder.name);
  const ids = await listMigrations(project.migrations);
  const folders = await readSnapshots(project.drizzle);
  if (isBuiltOn(folder, folders, ids)) throw new MigrationError(EXIT.filesInvalid, pairIsGone(folder));
  if (ids.every((id) => timeOf(id) < timeOf(folder.name))) return folder;
  // A folder that git has taken the snapshot out of may be there still, with what git does not know.
  const taken = [...ids, ...(await readdir(project.drizzle))];
  const name = nextId(folder.name.slice(timeOf(folder.name).length + 1), new Date(), taken);
  const path = join(project.drizzle, name);
  await rename(folder.path, path);
  return { ...folder, name, path };
}

/** Whether a pair was made after this folder's, which it therefore had. */
export function isBuiltOn(
  { snapshot }: SnapshotFolder,
  folders: readonly SnapshotFolder[],
  ids: readonly string[],
): boolean {
  return folders.some((other) => ids.includes(other.name) && other.snapshot.prevIds.includes(snapshot.id));
}

export function pairIsGone({ name }: SnapshotFolder): string {
  return `drizzle/${name}: its pair is gone, and newer ones build on it; restore migrations/${name}_UP.sql and _DOWN.sql from git`;
}

function unusable(name: string): MigrationError {
  const message = `drizzle/${name}: the name is not YYYYMMDDHHMMSS_name in lower case; rename the folder, drizzle-kit does not mind`;
  return new MigrationError(EXIT.filesInvalid, message);
}
