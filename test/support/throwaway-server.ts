import { existsSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbedded } from '../../src/main/database/embedded/start.ts';
import { isAlive } from '../../src/main/is-alive.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface ThrowawayServer {
  url: string;
  /** Stops it and removes its files. */
  stop(): Promise<void>;
  /** The same for an exit handler, which cannot wait. */
  stopNow(): void;
}

/**
 * A PostgreSQL server for tests, in a temporary directory.
 * @param durable for benchmarks: with PostgreSQL's default durability, which costs what it costs in production
 */
export async function startThrowawayServer({ durable = false } = {}): Promise<ThrowawayServer> {
  const dataDir = await temporaryDirectory();
  try {
    const server = await startEmbedded({ dataDir, observe: () => {} });
    if (!durable) await forgoDurability(server.url);
    return {
      url: server.url,
      async stop() {
        await server.stop();
        await rm(dataDir, { recursive: true, force: true });
      },
      stopNow() {
        if (isAlive(server.pid)) process.kill(server.pid, 'SIGQUIT');
        waitUntilGone(join(dataDir, 'postgres', 'postmaster.pid'));
        rmSync(dataDir, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(dataDir, { recursive: true, force: true });
    throw error;
  }
}

/** Blocks the thread. A server removes its postmaster.pid last of all, when it writes nothing any more. */
export function waitUntilGone(file: string): void {
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (let waitedMs = 0; existsSync(file) && waitedMs < 5000; waitedMs += 10) Atomics.wait(never, 0, 0, 10);
}

/** Nothing in it is to survive a power cut, and the disk may be slow. What is committed survives the server's death. */
export async function forgoDurability(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('alter system set fsync = off');
  await client.query('select pg_reload_conf()');
  await client.end();
}
