import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import pg from 'pg';
import { connect } from '../../src/main/database/connect.ts';
import { atExit } from './at-exit.ts';
import { ensureTemplate, withDatabase } from './template-database.ts';
import { startThrowawayServer } from './throwaway-server.ts';

export interface TestDatabase {
  url: string;
  /** One pool, made at the first call and closed by `drop`. */
  pool(): pg.Pool;
  /** Ends whatever is still connected, and drops the database. */
  drop(): Promise<void>;
}

/**
 * A new, migrated, empty database, on the server of HEDDLE_TEST_DATABASE_URL. Without that variable this process gets
 * a server of its own until it exits.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = await serverUrl();
  return createDatabase(server, (client) => ensureTemplate(client, server));
}

/** The same without anything in it, not even the schema: for tests of the migrations themselves. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return createDatabase(await serverUrl(), () => Promise.resolve('template0'));
}

async function createDatabase(
  server: string,
  chooseTemplate: (client: pg.Client) => Promise<string>,
): Promise<TestDatabase> {
  const name = databaseName();
  await onServer(server, async (client) => {
    await client.query(`create database ${name} template ${await chooseTemplate(client)}`);
  });

  const url = withDatabase(server, name);
  let pool: pg.Pool | undefined;
  return {
    url,
    pool: () => {
      pool ??= connect(url, `test ${name}`, () => {});
      return pool;
    },
    async drop() {
      // Not awaited: with a client that a failed test did not release it would take for ever.
      void pool?.end();
      pool = undefined;
      await onServer(server, (client) => client.query(`drop database if exists ${name} with (force)`));
    },
  };
}

let ownServer: Promise<string> | undefined;

function serverUrl(): Promise<string> {
  if (process.env.HEDDLE_TEST_DATABASE_URL) return Promise.resolve(process.env.HEDDLE_TEST_DATABASE_URL);
  ownServer ??= startOwnServer();
  return ownServer;
}

async function startOwnServer(): Promise<string> {
  const server = await startThrowawayServer();
  atExit(() => server.stopNow());
  return server.url;
}

/** The test file's name, to recognise it in psql, and something random. */
function databaseName(): string {
  const file = basename(process.argv[1] ?? 'repl').replace(/\.test\.js$/, '');
  const safe = file
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .slice(0, 40);
  return `test_${safe}_${randomBytes(5).toString('hex')}`;
}

async function onServer(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
