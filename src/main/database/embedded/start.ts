import pg from 'pg';
import type { Observe } from '../../observe/events.ts';
import { chooseAccount } from './account.ts';
import { findBinaries } from './binaries.ts';
import { createCluster, readPassword, SUPERUSER } from './cluster.ts';
import { locate, openDataDir } from './data-dir.ts';
import { EmbeddedDatabaseError } from './error.ts';
import { freePort } from './free-port.ts';
import { own } from './ownership.ts';
import { findServer } from './postmaster-pid.ts';
import { bringUp, shutDown } from './server.ts';

export interface EmbeddedServer {
  /** Of the database `heddle`. */
  url: string;
  port: number;
  pid: number;
  /** Whether the data directory was made now. */
  cold: boolean;
  /** Stops the server and waits until it is gone; committed rows stay. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** Made when missing. */
  dataDir: string;
  observe: Observe;
  /** Called for each attempt to listen. */
  choosePort?: () => Promise<number>;
}

/**
 * Starts a PostgreSQL of Heddle's own, for this process alone, with its data in `<dataDir>/postgres`. A server that an
 * owner killed by force left running is adopted. If this process dies without `stop()`, the server runs on and the next
 * start adopts it. Prints nothing and does not keep the process running.
 * @throws EmbeddedDatabaseError
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const { observe, choosePort = freePort } = options;
  const startedAt = performance.now();
  const dataDir = await openDataDir(options.dataDir);
  const binaries = await findBinaries(dataDir.libraries);
  const account = await chooseAccount(dataDir, binaries);
  const cold = await createCluster(dataDir, binaries, account);
  const password = await readPassword(dataDir);
  const url = (port: number, database: string) => serverUrl(password, port, database);

  const { server, ownership } = await retryOnce(async () => {
    const server = await bringUp(dataDir, binaries, account, choosePort);
    return { server, ownership: await own(url(server.port, MAINTENANCE_DATABASE), dataDir, observe) };
  });
  const { pid, port, adopted } = server;
  const stop = () => ownership.release(() => shutDown(dataDir, pid));
  try {
    await createDatabase(url(port, MAINTENANCE_DATABASE));
  } catch (error) {
    await stop();
    throw error;
  }
  observe({
    event: 'embedded_database_started',
    data_dir: dataDir.path,
    took_ms: performance.now() - startedAt,
    cold,
    adopted,
  });
  return { url: url(port, DATABASE), port, pid, cold, stop: once(stop) };
}

/**
 * The address of the server that runs in a data directory, for a look from outside: whoever started it may stop it at
 * any time. Undefined when none runs.
 */
export async function runningEmbedded(dataDir: string): Promise<string | undefined> {
  const located = locate(dataDir);
  const server = await findServer(located.cluster);
  if (server?.status !== 'ready') return undefined;
  return serverUrl(await readPassword(located), server.port, DATABASE);
}

function serverUrl(password: string, port: number, database: string): string {
  return `postgresql://${SUPERUSER}:${password}@127.0.0.1:${port}/${database}`;
}

const DATABASE = 'heddle';
/** Nobody drops it, so that the owner's lock in it is safe. */
const MAINTENANCE_DATABASE = 'postgres';

/** A server that was found may have been on its way out, and gone when it was to be owned. */
async function retryOnce<T>(attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof EmbeddedDatabaseError) throw error;
    return attempt();
  }
}

function once<T>(action: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= action();
    return result;
  };
}

const EXISTS = 'select from pg_database where datname = $1';

/** Each time, since an earlier start may have been killed just before it. Only the owner does it, so nobody races. */
async function createDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {}); // The statement that is under way, or the next one, says it.
  await client.connect();
  try {
    const { rowCount } = await client.query(EXISTS, [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}
