import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findServer } from '../../src/main/database/embedded/postmaster-pid.ts';
import { type EmbeddedServer, startEmbedded } from '../../src/main/database/embedded/start.ts';
import { isAlive } from '../../src/main/is-alive.ts';
import { atExit } from './at-exit.ts';
import { steadyPort } from './steady-port.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { forgoDurability, waitUntilGone } from './throwaway-server.ts';
import { waitFor } from './wait-for.ts';

/**
 * A PostgreSQL server of a test's own, which can be stopped, crashed and frozen, and comes back at the same address
 * with what was committed. It is gone when this process ends, however it ends, short of a kill.
 */
export class OwnServer {
  readonly url: string;
  readonly port: number;
  readonly #dataDir: string;
  #server: EmbeddedServer;

  static async start(): Promise<OwnServer> {
    const dataDir = await temporaryDirectory();
    try {
      const port = await steadyPort();
      const server = await launch(dataDir, port);
      const own = new OwnServer(dataDir, server);
      atExit(() => own.#removeNow());
      await forgoDurability(server.url);
      return own;
    } catch (error) {
      await rm(dataDir, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(dataDir: string, server: EmbeddedServer) {
    this.#dataDir = dataDir;
    this.#server = server;
    this.url = server.url;
    this.port = server.port;
  }

  /** PostgreSQL's fast shutdown: sessions are ended, what is committed is on disk. */
  async stop(): Promise<void> {
    await this.#server.stop();
  }

  /** PostgreSQL's immediate shutdown: as if it crashed. Its next start recovers. */
  async crash(): Promise<void> {
    process.kill(this.#server.pid, 'SIGQUIT');
    await waitFor(
      'the server to be gone',
      async () => (await findServer(this.#cluster())) === undefined,
      30_000,
    );
    await this.#server.stop(); // Of what this process has of it.
  }

  /** Starts it again, after `stop` or `crash`. Resolves when it takes connections. */
  async start(): Promise<void> {
    this.#server = await launch(this.#dataDir, this.port);
  }

  /** Stops all its processes where they are: who is connected hears nothing, who connects waits. */
  async freeze(): Promise<void> {
    // It first: then it has no more children than it has.
    process.kill(this.#server.pid, 'SIGSTOP');
    for (const pid of await childrenOf(this.#server.pid)) signal(pid, 'SIGSTOP');
  }

  async thaw(): Promise<void> {
    for (const pid of await childrenOf(this.#server.pid)) signal(pid, 'SIGCONT');
    process.kill(this.#server.pid, 'SIGCONT');
  }

  /** Stops it for good, and removes its files. */
  async remove(): Promise<void> {
    await this.#server.stop();
    await rm(this.#dataDir, { recursive: true, force: true });
  }

  /** The same for an exit handler, which cannot wait. */
  #removeNow(): void {
    if (isAlive(this.#server.pid)) {
      process.kill(this.#server.pid, 'SIGQUIT');
      process.kill(this.#server.pid, 'SIGCONT');
    }
    waitUntilGone(join(this.#cluster(), 'postmaster.pid'));
    rmSync(this.#dataDir, { recursive: true, force: true });
  }

  #cluster(): string {
    return join(this.#dataDir, 'postgres');
  }
}

function launch(dataDir: string, port: number): Promise<EmbeddedServer> {
  return startEmbedded({ dataDir, observe: () => {}, choosePort: async () => port });
}

async function childrenOf(parent: number): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=']);
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([pid, ppid]) => (ppid === parent && pid !== undefined ? [pid] : []));
}

/** A child may have ended since it was listed. */
function signal(pid: number, name: NodeJS.Signals): void {
  if (isAlive(pid)) process.kill(pid, name);
}
