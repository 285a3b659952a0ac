import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from '../../src/main/database/embedded/free-port.ts';
import { atExit } from './at-exit.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { waitFor } from './wait-for.ts';

export interface Pgbouncer {
  /** The pooled address of the same database. */
  url: string;
  stop(): Promise<void>;
}

/** The program, or undefined where PgBouncer is not installed. Debian has it where only root's PATH leads. */
export const pgbouncerProgram: string | undefined = [...(process.env.PATH ?? '').split(':'), '/usr/sbin']
  .map((folder) => join(folder, 'pgbouncer'))
  .find((file) => existsSync(file));

/** Such as 1.18: before 1.21 named prepared statements do not go through a pool of transactions. */
export function pgbouncerVersion(): string | undefined {
  if (pgbouncerProgram === undefined) return undefined;
  const { stdout } = spawnSync(pgbouncerProgram, ['--version'], { encoding: 'utf8' });
  return /PgBouncer (\d+\.\d+)/.exec(stdout)?.[1];
}

/** A PgBouncer in transaction mode in front of a database, with so few server connections that they change hands. */
export async function startPgbouncer(databaseUrl: string): Promise<Pgbouncer> {
  if (pgbouncerProgram === undefined) throw new Error('pgbouncer is not installed');
  const directory = await temporaryDirectory();
  const port = await freePort();
  const file = join(directory, 'pgbouncer.ini');
  await writeFile(file, configuration(new URL(databaseUrl), port));
  // It refuses to run as root; 65534 is nobody.
  const account = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const child = spawn(pgbouncerProgram, ['--quiet', file], { ...account, stdio: 'ignore' });
  const exited = once(child, 'exit');
  atExit(() => child.kill('SIGKILL'));
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${port}`;
  await waitFor('pgbouncer to pass statements on', () => passesOn(url.href, child));
  return {
    url: url.href,
    async stop() {
      child.kill('SIGKILL');
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function configuration(server: URL, port: number): string {
  const user = decodeURIComponent(server.username);
  const password = decodeURIComponent(server.password);
  return `[databases]
* = host=${server.hostname} port=${server.port} user=${user} password=${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
`;
}

async function passesOn(url: string, child: ChildProcess): Promise<boolean> {
  if (child.exitCode !== null) throw new Error(`pgbouncer exited with ${child.exitCode}`);
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    await client.query('select');
    return true;
  } catch {
    return false; // It does not listen yet.
  } finally {
    await client.end().catch(() => {});
  }
}
