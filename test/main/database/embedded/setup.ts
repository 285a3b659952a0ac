import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { findServer } from '../../../../src/main/database/embedded/postmaster-pid.ts';
import { shutDown } from '../../../../src/main/database/embedded/server.ts';
import { type EmbeddedServer, startEmbedded } from '../../../../src/main/database/embedded/start.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

/** A data directory for one test; whatever runs in it is stopped, and it is removed. */
export async function setup(t: TestContext) {
  const folder = await temporaryDirectory();
  folders.add(folder);
  t.after(() => remove(folder));
  const dataDir = join(folder, '.heddle');
  return {
    folder,
    dataDir,
    cluster: join(dataDir, 'postgres'),
    start: () => startEmbedded({ dataDir, observe: () => {} }),
    spawnOwner: (...args: string[]) => spawnOwner(t, dataDir, args),
  };
}

/** Stops what runs in `<folder>/.heddle`, by force if need be, and removes the folder. */
async function remove(folder: string): Promise<void> {
  const dataDir = join(folder, '.heddle');
  const cluster = join(dataDir, 'postgres');
  const server = await findServer(cluster);
  const paths = {
    path: dataDir,
    cluster,
    log: join(dataDir, 'postgres.log'),
    libraries: join(dataDir, 'lib'),
  };
  if (server !== undefined) await shutDown(paths, server.pid);
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  folders.delete(folder);
}

const folders = new Set<string>();

/** A test run that is interrupted leaves no servers behind either. */
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void Promise.all([...folders].map(remove)).finally(() => process.exit(1));
  });
}

export interface Owner {
  child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Set once it has started its database; rejects with what it wrote when it cannot. */
  server: Promise<EmbeddedServer>;
  /** Kills it like a power cut, and waits until it is gone. */
  kill(): Promise<void>;
  /** What it wrote on standard error, when it has ended. */
  errors: Promise<string>;
}

/** A process of its own that starts a database; see owner.ts. */
export function spawnOwner(t: TestContext, dataDir: string, args: string[] = [], script = OWNER): Owner {
  const child = spawn(process.execPath, [script, dataDir, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // A process group of its own: some tests send signals to a whole group, as a terminal does.
    detached: true,
  });
  const exit = once(child, 'exit');
  const errors = text(child.stderr);
  const server = once(child.stdout, 'data').then(([line]) => JSON.parse(String(line)) as EmbeddedServer);
  async function kill(): Promise<void> {
    child.kill('SIGKILL');
    await exit;
  }
  t.after(kill);
  const failed = exit.then(async () => {
    throw new Error(await errors);
  });
  failed.catch(() => {});
  return { child, server: Promise.race([server, failed]), kill, errors };
}

const OWNER = fileURLToPath(new URL('owner.js', import.meta.url));

/** One statement, on a connection of its own. */
export async function query(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}
