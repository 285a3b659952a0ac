import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import { type Account, giveTo, runAs } from './account.ts';
import type { Binaries } from './binaries.ts';
import type { DataDir } from './data-dir.ts';
import { EmbeddedDatabaseError } from './error.ts';

/** A server process that was started, which may turn out not to stay. */
export interface Launch {
  hasExited(): boolean;
  /** The last lines this server wrote. */
  logged(): Promise<string>;
}

/**
 * Given on the command line rather than written to postgresql.conf, so that a newer Heddle brings newer settings.
 * Durability is PostgreSQL's default: everything is synced.
 */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  // No socket files: their path may not be longer than 107 bytes.
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '128MB',
  // A query whose client died ends, instead of running on with its locks.
  client_connection_check_interval: '500ms',
  // Parallel workers want shared memory by the megabyte, and /dev/shm in a container has 64.
  max_parallel_workers_per_gather: '0',
};

/**
 * Starts PostgreSQL in a session of its own: a Ctrl-C on the terminal must reach only Heddle, which then stops the
 * database last. It neither keeps this process running nor ends with it.
 * @param deadPid what postmaster.pid says although no server of this data directory has that id
 */
export async function launch(
  dataDir: DataDir,
  binaries: Binaries,
  account: Account,
  port: number,
  deadPid: number | undefined,
): Promise<Launch> {
  await giveTo(account, dataDir.cluster);
  const log = await openLog(dataDir, account);
  try {
    const { size } = await log.stat();
    const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const command = runAs(account, binaries, binaries.postgres, [
      '-D',
      dataDir.cluster,
      '-p',
      `${port}`,
      ...settings,
    ]);
    const env = { ...command.options.env, ...disown(deadPid) };
    const server = spawn(command.file, command.args, {
      ...command.options,
      env,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    await once(server, 'spawn');
    server.unref();
    return {
      hasExited: () => server.exitCode !== null || server.signalCode !== null,
      logged: () => tail(dataDir.log, size),
    };
  } catch (error) {
    throw new EmbeddedDatabaseError(`the embedded PostgreSQL did not start: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    await log.close();
  }
}

/**
 * PostgreSQL takes any living process whose id is in a left-over postmaster.pid for a server, also a shell that was
 * given the id since. Deleting the file would race with another start, whose id may be in it by now; PostgreSQL itself
 * replaces it when it is told that exactly this id is its own grandparent's.
 */
function disown(deadPid: number | undefined): Record<string, string> {
  return deadPid === undefined ? {} : { PG_GRANDPARENT_PID: String(deadPid) };
}

const LOG_MAX_BYTES = 10 * 1024 * 1024;
const TAIL_BYTES = 2000;

async function openLog(dataDir: DataDir, account: Account): Promise<FileHandle> {
  const log = await open(dataDir.log, 'a', 0o600);
  if ((await log.stat()).size > LOG_MAX_BYTES) await log.truncate();
  await giveTo(account, dataDir.log);
  return log;
}

/** The end of what was written after `from`. */
async function tail(path: string, from: number): Promise<string> {
  const log = await open(path, 'r');
  try {
    const { size } = await log.stat();
    const start = Math.max(from, size - TAIL_BYTES);
    const { buffer, bytesRead } = await log.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, start);
    return buffer.toString('utf8', 0, bytesRead).trim();
  } finally {
    await log.close();
  }
}
