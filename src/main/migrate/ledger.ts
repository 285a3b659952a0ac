import { hostname } from 'node:os';
import type { Queryable } from '../database/connect.ts';
import { describe } from '../database/errors.ts';
import { version } from '../package-root.ts';
import { EXIT, MigrationError } from './error.ts';
import type { Migration } from './files.ts';
import type { Direction } from './names.ts';

/** A row of `ai_migrations`: a migration whose UP was run, wholly or, without a transaction, in part. */
export interface LedgerRow {
  /** The order of application. */
  seq: string;
  id: string;
  up_checksum: string;
  down_checksum: string;
  down_sql: string;
  status: 'applied' | 'running' | 'failed';
  /** Which of its files ran last. */
  direction: Direction;
  /** Of that file's statements; null when it ran in a transaction. */
  statements_done: number | null;
  applied_at: Date;
  error: string | null;
}

/**
 * Where a migration really stands. A file without a transaction that failed before anything of it took effect is as
 * if it had never been run; one that stopped later is `half-run`, and only a person can tell what to do.
 */
export function standing(row: LedgerRow): 'applied' | 'pending' | 'half-run' {
  if (row.status === 'applied') return 'applied';
  if (row.status === 'running' || row.statements_done !== 0) return 'half-run';
  return row.direction === 'UP' ? 'pending' : 'applied';
}

/** Every row in the order of application; none when the table was never made. Takes no lock and makes nothing. */
export async function readLedger(database: Queryable): Promise<LedgerRow[]> {
  if (!(await ledgerExists(database))) return [];
  const { rows } = await database.query<LedgerRow>(READ);
  return rows;
}

/** The ids of what is wholly applied; none when the table was never made. */
export async function appliedIds(database: Queryable): Promise<string[]> {
  if (!(await ledgerExists(database))) return [];
  const { rows } = await database.query<{ id: string }>(APPLIED_IDS);
  return rows.map((row) => row.id);
}

/**
 * Makes the table when it is not there. Only for the holder of the migration lock.
 * @throws MigrationError when the role may not
 */
export async function ensureLedger(database: Queryable): Promise<void> {
  // Not IF NOT EXISTS: that asks for the right to create even when there is nothing to create.
  if (await ledgerExists(database)) return;
  try {
    await database.query(CREATE);
  } catch (error) {
    const { message, code } = describe(error);
    const fault = `the table ai_migrations cannot be made: ${message} (${code})`;
    throw new MigrationError(EXIT.sqlFailed, fault, { cause: error });
  }
}

/** Notes a migration as applied, in the transaction that applied it. */
export async function recordApplied(
  database: Queryable,
  migration: Migration,
  tookMs: number,
): Promise<void> {
  await database.query(UPSERT, upsertValues(migration, 'applied', null, tookMs));
}

/** Notes that the UP file of a migration begins to run without a transaction. */
export async function recordUpRunning(database: Queryable, migration: Migration): Promise<void> {
  await database.query(UPSERT, upsertValues(migration, 'running', 0, null));
}

/** Notes that the DOWN file of a migration begins to run without a transaction. */
export async function recordDownRunning(database: Queryable, id: string): Promise<void> {
  await database.query(START_DOWN, [id]);
}

/** Notes how far a file without a transaction has come. */
export async function recordProgress(database: Queryable, id: string, statementsDone: number): Promise<void> {
  await database.query(PROGRESS, [id, statementsDone]);
}

/**
 * Notes that a file without a transaction failed.
 * @param statementsDone null when the one that failed may have done a part of its work
 */
export async function recordFailed(
  database: Queryable,
  id: string,
  statementsDone: number | null,
  error: string,
): Promise<void> {
  await database.query(FAIL, [id, statementsDone, error]);
}

/** Takes a migration out of the ledger: it was rolled back. */
export async function recordRolledBack(database: Queryable, id: string): Promise<void> {
  await database.query(DELETE, [id]);
}

async function ledgerExists(database: Queryable): Promise<boolean> {
  const { rows } = await database.query<{ exists: boolean }>(EXISTS);
  return rows[0]?.exists === true;
}

function upsertValues(
  { id, up, down }: Migration,
  status: string,
  done: number | null,
  tookMs: number | null,
): unknown[] {
  const by = ` on ${hostname()} with heddle ${version}`;
  return [id, up.checksum, down.checksum, down.sql, status, done, tookMs, by];
}

const EXISTS = "select to_regclass('ai_migrations') is not null as exists";

const CREATE = `
  create table ai_migrations (
    seq bigint generated always as identity primary key,
    id text not null unique,
    up_checksum text not null,
    down_checksum text not null,
    down_sql text not null,
    status text not null check (status in ('applied', 'running', 'failed')),
    direction text not null default 'UP' check (direction in ('UP', 'DOWN')),
    statements_done integer,
    applied_at timestamptz not null default clock_timestamp(),
    duration_ms double precision,
    applied_by text not null,
    error text
  )`;

const READ = `
  select seq, id, up_checksum, down_checksum, down_sql, status, direction, statements_done, applied_at, error
  from ai_migrations order by seq`;

const APPLIED_IDS = "select id from ai_migrations where status = 'applied'";

// A row may be there already: of a file without a transaction that runs to its end now, or that failed at its start.
const UPSERT = `
  insert into ai_migrations
    (id, up_checksum, down_checksum, down_sql, status, statements_done, duration_ms, applied_by)
  values ($1, $2, $3, $4, $5, $6, $7, current_user || $8)
  on conflict (id) do update set
    (up_checksum, down_checksum, down_sql, status, direction, statements_done, duration_ms, applied_by, applied_at, error)
    = (excluded.up_checksum, excluded.down_checksum, excluded.down_sql, excluded.status, 'UP',
       excluded.statements_done, excluded.duration_ms, excluded.applied_by, excluded.applied_at, null)`;

const START_DOWN = `
  update ai_migrations set status = 'running', direction = 'DOWN', statements_done = 0, error = null where id = $1`;

const PROGRESS = 'update ai_migrations set statements_done = $2 where id = $1';

const FAIL = "update ai_migrations set status = 'failed', statements_done = $2, error = $3 where id = $1";

const DELETE = 'delete from ai_migrations where id = $1';
