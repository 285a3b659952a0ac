import { createHash } from 'node:crypto';
import type pg from 'pg';
import { migrateUp } from '../../src/main/migrate/apply.ts';
import { migrationsDirectory, readMigrations } from '../../src/main/migrate/files.ts';

/**
 * Makes the database that test databases are copied from, unless it is there: one for each state of `migrations/`, so
 * that a changed migration makes a new one.
 * @param server a connection to another database of the server
 * @returns its name
 */
export async function ensureTemplate(server: pg.Client, url: string): Promise<string> {
  const name = `heddle_template_${await hashOfMigrations()}`;
  await server.query(LOCK);
  try {
    if ((await server.query(EXISTS, [name])).rowCount === 0) await make(name, server, url);
  } finally {
    await server.query(UNLOCK);
  }
  return name;
}

/** All test files ask at once; one makes it. */
const LOCK = "select pg_advisory_lock(hashtext('heddle test template'))";
const UNLOCK = "select pg_advisory_unlock(hashtext('heddle test template'))";
const EXISTS = 'select from pg_database where datname = $1';

async function hashOfMigrations(): Promise<string> {
  const checksums = (await readMigrations(migrationsDirectory)).map(({ id, up }) => [id, up.checksum]);
  return createHash('sha256').update(JSON.stringify(checksums)).digest('hex').slice(0, 12);
}

/** Renamed when complete: a test run that is killed meanwhile leaves no half-made template. */
async function make(name: string, server: pg.Client, url: string): Promise<void> {
  const draft = `${name}_draft`;
  await server.query(`drop database if exists ${draft} with (force)`);
  await server.query(`create database ${draft}`);
  await migrateUp({ url: withDatabase(url, draft), observe: () => {} });
  await server.query(`alter database ${draft} rename to ${name}`);
}

/** The address of another database on the same server. */
export function withDatabase(url: string, database: string): string {
  const address = new URL(url);
  address.pathname = `/${database}`;
  return address.href;
}
