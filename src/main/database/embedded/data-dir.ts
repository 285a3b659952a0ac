import { access, chown, constants, mkdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { EmbeddedDatabaseError } from './error.ts';

/** Where the embedded database keeps what it has; absolute, without symbolic links. */
export interface DataDir {
  path: string;
  /** PostgreSQL's own data directory. */
  cluster: string;
  log: string;
  /** Library links, used only when they cannot be made beside the libraries. */
  libraries: string;
}

/**
 * Makes the data directory if it is missing.
 * @throws EmbeddedDatabaseError when it cannot be made, or what is in it belongs to somebody else
 */
export async function openDataDir(dataDir: string): Promise<DataDir> {
  const found = locate(await make(resolve(dataDir)));
  await refuseForeign(found.cluster);
  return found;
}

/** Where things are in a data directory, whether it exists or not. */
export function locate(dataDir: string): DataDir {
  const path = resolve(dataDir);
  return {
    path,
    cluster: join(path, 'postgres'),
    log: join(path, 'postgres.log'),
    libraries: join(path, 'lib'),
  };
}

async function make(path: string): Promise<string> {
  try {
    const first = await mkdir(path, { recursive: true });
    if (first !== undefined && isRoot()) await giveToOwnerOfParent(first, path);
    await access(path, constants.W_OK | constants.X_OK);
    return await realpath(path);
  } catch (error) {
    throw new EmbeddedDatabaseError(
      `the embedded database has no place to live: ${(error as Error).message}; set HEDDLE_DATA_DIR or DATABASE_URL`,
      { cause: error },
    );
  }
}

/** After a `sudo npm start` in somebody's project, they can still `npm start` without it. */
async function giveToOwnerOfParent(first: string, last: string): Promise<void> {
  const { uid, gid } = await stat(dirname(first));
  let made = first;
  await chown(made, uid, gid);
  for (const name of relative(first, last).split(sep).filter(Boolean)) {
    made = join(made, name);
    await chown(made, uid, gid);
  }
}

/** Root may use anybody's files; everybody else would only meet "permission denied" one by one. */
async function refuseForeign(cluster: string): Promise<void> {
  const owner = await ownerOf(cluster);
  if (owner === undefined || isRoot() || owner.uid === process.getuid?.()) return;
  throw new EmbeddedDatabaseError(
    `${cluster} belongs to another user (uid ${owner.uid}); start Heddle as that user, remove it if it is not needed, or set HEDDLE_DATA_DIR or DATABASE_URL`,
  );
}

/** Who owns a file or folder; undefined when there is none. */
export async function ownerOf(path: string): Promise<{ uid: number; gid: number } | undefined> {
  try {
    const { uid, gid } = await stat(path);
    return { uid, gid };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}
