import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isAlive } from '../../is-alive.ts';
import { type Account, giveTo, runAs } from './account.ts';
import type { Binaries } from './binaries.ts';
import type { DataDir } from './data-dir.ts';
import { EmbeddedDatabaseError } from './error.ts';

const run = promisify(execFile);

export const SUPERUSER = 'heddle';

/**
 * Makes PostgreSQL's data directory unless there is one. It appears complete or not at all, and of several starts at
 * once exactly one makes it: it is made elsewhere and renamed.
 * @returns whether this call made it
 * @throws EmbeddedDatabaseError when what is there cannot be used, or nothing can be made
 */
export async function createCluster(
  dataDir: DataDir,
  binaries: Binaries,
  account: Account,
): Promise<boolean> {
  await removeAbandoned(dataDir);
  const version = await clusterVersion(dataDir);
  if (version !== undefined) {
    refuseOtherMajor(dataDir, version, binaries.major);
    return false;
  }
  const staging = join(dataDir.path, `${STAGING}${process.pid}-${randomBytes(4).toString('hex')}`);
  try {
    await initialise(staging, binaries, account);
    return await moveIntoPlace(join(staging, 'data'), dataDir);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** The superuser's password, which lives and dies with the data. */
export async function readPassword(dataDir: DataDir): Promise<string> {
  try {
    return (await readFile(join(dataDir.cluster, PASSWORD_FILE), 'utf8')).trim();
  } catch (error) {
    throw new EmbeddedDatabaseError(
      `the password of ${dataDir.cluster} cannot be read: ${(error as Error).message}; move that folder, or set HEDDLE_DATA_DIR or DATABASE_URL`,
      { cause: error },
    );
  }
}

const PASSWORD_FILE = 'heddle.password';
const STAGING = 'postgres.new-';

async function clusterVersion(dataDir: DataDir): Promise<string | undefined> {
  try {
    return (await readFile(join(dataDir.cluster, 'PG_VERSION'), 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function refuseOtherMajor(dataDir: DataDir, found: string, ours: string): void {
  if (found === ours) return;
  throw new EmbeddedDatabaseError(
    `${dataDir.cluster} was made by PostgreSQL ${found}, and this Heddle brings PostgreSQL ${ours}. ` +
      `To keep what is in it, start the Heddle that made it and copy it out with pg_dump; ` +
      'otherwise remove that folder, or set HEDDLE_DATA_DIR or DATABASE_URL',
  );
}

/** What a start that was killed during initdb left behind. */
async function removeAbandoned(dataDir: DataDir): Promise<void> {
  for (const name of await readdir(dataDir.path)) {
    if (!name.startsWith(STAGING) || isAlive(Number.parseInt(name.slice(STAGING.length), 10))) continue;
    // The killed start's initdb may still be writing there; what is left then goes at the next start.
    await rm(join(dataDir.path, name), { recursive: true, force: true }).catch(() => {});
  }
}

async function initialise(staging: string, binaries: Binaries, account: Account): Promise<void> {
  const data = join(staging, 'data');
  const passwordFile = join(staging, PASSWORD_FILE);
  await mkdir(data, { recursive: true, mode: 0o700 });
  await writeFile(passwordFile, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600 });
  await giveTo(account, staging);
  await initdb(data, passwordFile, binaries, account);
  await rename(passwordFile, join(data, PASSWORD_FILE));
}

/**
 * Collation is PostgreSQL's own C.UTF-8: Unicode's rules for upper and lower case, the same order on every system, and
 * nothing asked of the system's locales, which differ and change. Only pg_trgm still asks the system which characters
 * are letters; under plain C it would ignore all that are not ASCII, hence a UTF-8 locale where there is one.
 */
const CHARACTER_CLASSES = ['C.UTF-8', 'en_US.UTF-8', 'C'];

async function initdb(
  data: string,
  passwordFile: string,
  binaries: Binaries,
  account: Account,
): Promise<void> {
  for (const ctype of CHARACTER_CLASSES) {
    const { file, args, options } = runAs(account, binaries, binaries.initdb, [
      `--pgdata=${data}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
      `--lc-ctype=${ctype}`,
    ]);
    try {
      await run(file, args, options);
      return;
    } catch (error) {
      const { stderr, message } = error as { stderr?: string; message: string };
      if (stderr?.includes('invalid locale name') && ctype !== CHARACTER_CLASSES.at(-1)) continue;
      throw new EmbeddedDatabaseError(`PostgreSQL's initdb failed: ${(stderr || message).trim()}`, {
        cause: error,
      });
    }
  }
}

async function moveIntoPlace(data: string, dataDir: DataDir): Promise<boolean> {
  try {
    await rename(data, dataDir.cluster);
  } catch (error) {
    if (!OCCUPIED.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    if ((await clusterVersion(dataDir)) !== undefined) return false;
    throw new EmbeddedDatabaseError(
      `${dataDir.cluster} is in the way: it is not a PostgreSQL data directory; move it, or set HEDDLE_DATA_DIR or DATABASE_URL`,
    );
  }
  await sync(dataDir.path);
  return true;
}

const OCCUPIED = new Set(['ENOTEMPTY', 'EEXIST', 'ENOTDIR']);

/** PostgreSQL syncs its files but not the name we gave them; without it a power cut could take the whole folder back. */
async function sync(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
