import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Binaries } from './binaries.ts';
import { type DataDir, isRoot, ownerOf } from './data-dir.ts';
import { EmbeddedDatabaseError } from './error.ts';

const run = promisify(execFile);

/** Whom PostgreSQL runs as. */
export interface Account {
  name: string;
  /** Unset: as this process. */
  ids?: { uid: number; gid: number };
  /** What goes before the program on the command line. */
  prefix: readonly string[];
}

const SELF: Account = { name: 'the current user', prefix: [] };

/**
 * In a user namespace the files stay those of the account, but PostgreSQL sees itself as `nobody`: somebody who is not
 * root and has a name, which is all it asks for.
 */
function inNamespace({ name, ...account }: Account): Account {
  const prefix = ['unshare', '--user', '--map-user=65534', '--map-group=65534', '--'];
  return { ...account, name: `${name} in a user namespace`, prefix };
}

/**
 * Chooses whom PostgreSQL runs as, by trying: it refuses to run as root, needs a user with a name, and must reach its
 * programs and the data directory.
 * @throws EmbeddedDatabaseError naming every attempt and the ways out
 */
export async function chooseAccount(dataDir: DataDir, binaries: Binaries): Promise<Account> {
  const failures: string[] = [];
  for (const account of await candidates(dataDir)) {
    const failure = await tryOut(account, dataDir, binaries);
    if (failure === undefined) return account;
    failures.push(`as ${account.name}: ${failure}`);
  }
  throw new EmbeddedDatabaseError(
    `embedded PostgreSQL cannot run here:\n  ${failures.join('\n  ')}\n${waysOut()}`,
  );
}

/** The command line and spawn options that run a program as an account. */
export function runAs(account: Account, binaries: Binaries, program: string, args: readonly string[]) {
  const [file, ...rest] = [...account.prefix, program, ...args] as [string, ...string[]];
  return {
    file,
    args: rest,
    // The working directory must be one that any account may enter.
    options: { ...account.ids, cwd: '/', env: binaries.env },
  };
}

/** Hands files to the account that will use them; only root can, and only root needs to. */
export async function giveTo(account: Account, path: string): Promise<void> {
  if (!isRoot()) return;
  const wanted = account.ids ?? { uid: 0, gid: 0 };
  if ((await ownerOf(path))?.uid === wanted.uid) return;
  await run('chown', ['-R', '-h', `${wanted.uid}:${wanted.gid}`, path]);
}

async function candidates(dataDir: DataDir): Promise<Account[]> {
  if (!isRoot()) return [SELF, inNamespace(SELF)];
  const users = await Promise.all([user('postgres'), user('nobody')]);
  return [...(await owner(dataDir)), ...users.filter((account) => account !== undefined), inNamespace(SELF)];
}

/** Whose the data is, unless it is root's: they shall be able to start Heddle, too. */
async function owner(dataDir: DataDir): Promise<Account[]> {
  const ids = (await ownerOf(dataDir.cluster)) ?? (await ownerOf(dataDir.path));
  if (ids === undefined || ids.uid === 0) return [];
  const account = { name: `uid ${ids.uid}`, ids, prefix: [] };
  return [account, inNamespace(account)];
}

/** Asks `id`, which also knows users that are not in /etc/passwd. */
async function user(name: string): Promise<Account | undefined> {
  const id = async (what: string) => Number((await run('id', [what, name])).stdout);
  try {
    const ids = { uid: await id('-u'), gid: await id('-g') };
    return ids.uid === 0 ? undefined : { name, ids, prefix: [] };
  } catch {
    return undefined;
  }
}

/** Enters the data directory, looks up its own name and runs the programs, which is all that could go wrong later. */
const TRY_OUT = 'cd "$1" && id -un >/dev/null && "$2" --version && exec "$3" --version';

async function tryOut(account: Account, dataDir: DataDir, binaries: Binaries): Promise<string | undefined> {
  const { file, args, options } = runAs(account, binaries, 'sh', [
    '-c',
    TRY_OUT,
    'sh',
    dataDir.path,
    binaries.postgres,
    binaries.initdb,
  ]);
  try {
    await run(file, args, options);
    return undefined;
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    return (stderr || message).trim().replaceAll('\n', '; ');
  }
}

function waysOut(): string {
  const database = 'set DATABASE_URL to a PostgreSQL server';
  if (!usesGlibc()) return `Its programs need glibc, which this system does not have: ${database}.`;
  if (!isRoot()) return `The way out: ${database}.`;
  return (
    'PostgreSQL refuses to run as root. Ways out: start Heddle as another user; ' +
    `put the project and HEDDLE_DATA_DIR where other users can enter; or ${database}.`
  );
}

function usesGlibc(): boolean {
  if (process.platform !== 'linux') return true;
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime !== undefined;
}
