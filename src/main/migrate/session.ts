import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { describe, isAway } from '../database/errors.ts';
import type { Observe } from '../observe/events.ts';
import { ConnectionBroke, EXIT, MigrationError } from './error.ts';

export interface SessionOptions {
  /** A direct connection: the lock belongs to the session, which a transaction pooler would share out. */
  url: string;
  observe: Observe;
  /** How long a database that is not up yet is waited for. */
  waitSeconds: number;
}

/**
 * Runs `work` with a connection of its own and closes it, which also gives back the migration lock.
 * @throws MigrationError; also for a failure of the database that `work` lets through
 */
export async function withSession<T>(
  options: SessionOptions,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await openWithPatience(options);
  try {
    return await work(client);
  } catch (error) {
    throw error instanceof MigrationError ? error : databaseFault(error);
  } finally {
    // It may be broken already, and then there is nothing to close.
    await client.end().catch(() => {});
  }
}

/**
 * Gives the session the settings that migrations run with, whatever the role and the database have set. Must run
 * outside of a transaction.
 * @param lockTimeoutSeconds for statements that run without a transaction
 * @returns SQL that brings them back, in one message, whatever a file has set
 */
export async function prepareSession(client: pg.Client, lockTimeoutSeconds: number): Promise<string> {
  let settings = `reset session authorization; reset role; reset all;
    set lock_timeout = '${milliseconds(lockTimeoutSeconds)}'; ${NO_LIMITS}`;
  await client.query(settings);
  for (const setting of NOT_EVERYWHERE) {
    const isThere = await client.query(setting).then(
      () => true,
      () => false,
    );
    if (isThere) settings += `; ${setting}`;
  }
  return settings;
}

/** Seconds as a setting of PostgreSQL, where 0 would mean for ever. */
export function milliseconds(seconds: number): string {
  return `${Math.max(1, Math.round(seconds * 1000))}ms`;
}

/** Lets a transaction find the ledger and write to it, whatever the file chose for itself. */
export const FIND_LEDGER =
  'set local session authorization default; set local role to default; set local search_path to default; set local statement_timeout = 0';

/** The SQLSTATE of a database error, or undefined for one of the connection. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

/** An error of a statement that belongs to no file. */
function databaseFault(error: unknown): MigrationError {
  const { message } = describe(error);
  const code = sqlState(error);
  return code === undefined || isAway(error)
    ? new ConnectionBroke(message, { cause: error })
    : new MigrationError(EXIT.sqlFailed, `${message} (${code})`, { cause: error });
}

// Limits on a role or a database are meant for its daily work.
const NO_LIMITS = 'set statement_timeout = 0; set idle_in_transaction_session_timeout = 0';

const NOT_EVERYWHERE = [
  // From PostgreSQL 17 on.
  'set transaction_timeout = 0',
  // So that the lock of a killed process is free within a second, and not when its statement has ended. Not every
  // system that PostgreSQL runs on can do it.
  "set client_connection_check_interval = '1s'",
];

async function openWithPatience({ url, observe, waitSeconds }: SessionOptions): Promise<pg.Client> {
  const deadline = performance.now() + waitSeconds * 1000;
  for (let attempt = 0; ; attempt += 1) {
    const client = newClient(url, observe, Math.max(1000, deadline - performance.now()));
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end().catch(() => {});
      const leftMs = deadline - performance.now();
      if (!mayComeUp(error) || leftMs <= 0) throw unreachable(client, error);
      if (attempt === 0)
        observe({ event: 'migration_waiting', reason: `the database is not up: ${describe(error).message}` });
      await sleep(Math.min(100 * 2 ** attempt, 2000, leftMs));
    }
  }
}

function newClient(connectionString: string, observe: Observe, timeoutMs: number): pg.Client {
  const client = construct({
    connectionString,
    application_name: 'heddle-migrate',
    connectionTimeoutMillis: Math.min(timeoutMs, 5000),
    keepAlive: true,
  });
  // Without a listener an error between two statements would end the process; the next statement fails anyway.
  client.on('error', (error) =>
    observe({ event: 'database_error', during: 'migration', ...describe(error) }),
  );
  return client;
}

/** The address may name a file that is not there, as a certificate. */
function construct(options: pg.ClientConfig): pg.Client {
  try {
    return new pg.Client(options);
  } catch (error) {
    const fault = `the database cannot be reached with this address: ${describe(error).message}`;
    throw new MigrationError(EXIT.databaseUnreachable, fault, { cause: error });
  }
}

/** Nobody answers, or the server is starting, stopping or full. Whatever else it says will not change by waiting. */
function mayComeUp(error: unknown): boolean {
  const code = sqlState(error);
  return code === undefined ? isNetworkError(error) : ['57P01', '57P03', '53300'].includes(code);
}

function isNetworkError(error: unknown): boolean {
  const { code, message } = describe(error);
  if (code !== undefined) return /^(E[A-Z]+|EAI_AGAIN)$/.test(code);
  return /terminated|timeout/i.test(message);
}

/** Names the place, never the password. */
function unreachable(client: pg.Client, error: unknown): MigrationError {
  const { message } = describe(error);
  const place = `${client.host}:${client.port}/${client.database}`;
  const who = client.user === undefined ? '' : ` as ${client.user}`;
  const fault = `the database ${place} cannot be reached${who}: ${message}`;
  return new MigrationError(EXIT.databaseUnreachable, fault, { cause: error });
}
