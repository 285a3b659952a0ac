import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from './account.ts';
import type { Binaries } from './binaries.ts';
import type { DataDir } from './data-dir.ts';
import { EmbeddedDatabaseError } from './error.ts';
import { type Launch, launch } from './launch.ts';
import { notedServer, type ServerProcess } from './postmaster-pid.ts';
import { isServerOf } from './processes.ts';

/** Crash recovery may take its time; it replays at most a gigabyte. */
const READY_WITHIN_MS = 60_000;
/** How long launches that fail for a passing reason are repeated. */
const LAUNCH_WITHIN_MS = 15_000;
const STOPPED_WITHIN_MS = 30_000;
const POLL_MS = 15;

/**
 * Brings up the data directory's server: the one that runs already, or else a new one. PostgreSQL's own lock on its
 * data directory decides who wins when several try; the others find the winner.
 * @param choosePort called for each launch
 * @throws EmbeddedDatabaseError with the end of the server's log
 */
export async function bringUp(
  dataDir: DataDir,
  binaries: Binaries,
  account: Account,
  choosePort: () => Promise<number>,
): Promise<ServerProcess & { adopted: boolean }> {
  const startedAt = performance.now();
  let launched: Launch | undefined;
  for (;;) {
    const noted = await notedServer(dataDir.cluster);
    const runs = noted !== undefined && (await isServerOf(dataDir.cluster, noted.pid));
    if (runs && noted.status === 'ready') return { ...noted, adopted: launched === undefined };
    const waitedMs = performance.now() - startedAt;
    if (waitedMs > READY_WITHIN_MS) throw notReady(dataDir, await launched?.logged());
    if (!runs && (launched === undefined || launched.hasExited())) {
      if (launched !== undefined) await refuseLasting(launched, waitedMs > LAUNCH_WITHIN_MS);
      launched = await launch(dataDir, binaries, account, await choosePort(), noted?.pid);
    }
    await sleep(POLL_MS);
  }
}

/**
 * Stops a server: its sessions are ended, what is committed is on disk. Does nothing to one that is gone.
 * @throws EmbeddedDatabaseError when it is still there after 30 s
 */
export async function shutDown(dataDir: DataDir, pid: number): Promise<void> {
  const startedAt = performance.now();
  if (await isServerOf(dataDir.cluster, pid)) process.kill(pid, 'SIGINT');
  while (await isServerOf(dataDir.cluster, pid)) {
    if (performance.now() - startedAt > STOPPED_WITHIN_MS)
      throw new EmbeddedDatabaseError(
        `the embedded PostgreSQL (pid ${pid}) does not stop; see ${dataDir.log}`,
      );
    await sleep(POLL_MS);
  }
}

/**
 * Passing: another program took the port first; another start was faster; processes of a killed server are still on
 * their way out.
 */
const PASSING =
  /could not create any TCP\/IP sockets|lock file "postmaster\.pid" (already exists|is empty)|pre-existing shared memory block/;

async function refuseLasting(launched: Launch, tooLate: boolean): Promise<void> {
  const log = await launched.logged();
  if (PASSING.test(log) && !tooLate) return;
  throw new EmbeddedDatabaseError(`the embedded PostgreSQL did not start; the end of its log:\n${log}`);
}

function notReady(dataDir: DataDir, log = `see ${dataDir.log}`): EmbeddedDatabaseError {
  return new EmbeddedDatabaseError(
    `the embedded PostgreSQL is not ready after ${READY_WITHIN_MS / 1000} s and may still be recovering; the end of its log:\n${log}`,
  );
}
