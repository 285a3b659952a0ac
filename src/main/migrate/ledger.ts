import { hostname } from 'node:os';
import type { Queryable } from '../database/connect.ts';
import { version } from '../package-root.ts';
import type { Migration } from './files.ts';
import { ledgerColumns, ledgerExists } from './ledger-table.ts';
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
  duration_ms: number | null;
  applied_by: string;
  /** What stopped it; of one that runs without a transaction, which statement it is at. */
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

/**
 * Every row in the order of application; none when the table was never made. Takes no lock and makes nothing.
 * @throws MigrationError when the table is not Heddle's
 */
export async function readLedger(database: Queryable): Promise<LedgerRow[]> {
  if ((await ledgerColumns(database)).length === 0) return [];
  const { rows } = await database.query<LedgerRow>(READ);
  return rows.map((row) => ({ ...ADDED_LATER, ...row }));
}

/** The ids of what is wholly applied; none when the table was never made. */
export async function appliedIds(database: Queryable): Promise<string[]> {
  if (!(await ledgerExists(database))) return [];
  const { rows } = await database.query<{ id: string }>(APPLIED_IDS);
  return rows.map((row) => row.id);
}

/** Notes a migration as applied, in the transaction that applied it. */
export async function recordApplied(
  database: Queryable,
  migration: Migration,
  tookMs: number,
): Promise<void> {
  await database.query(UPSERT, upsertValues(migration, { status: 'applied', tookMs }));
}

/** Notes a migration as applied that this tool has not run. */
export async function recordAdopted(database: Queryable, migration: Migration): Promise<void> {
  await database.query(UPSERT, upsertValues(migration, { status: 'applied', by: ' by --baseline' }));
}

/** Notes that the UP file of a migration begins to run without a transaction. @param at which statement it is at */
export async function recordUpRunning(database: Queryable, migration: Migration, at: string): Promise<void> {
  await database.query(UPSERT, upsertValues(migration, { status: 'running', done: 0, at }));
}

/** Notes that the DOWN file of a migration begins to run without a transaction. @param at which statement it is at */
export async function recordDownRunning(database: Queryable, id: string, at: string): Promise<void> {
  await database.query(START_DOWN, [id, at]);
}

/** Notes how far a file without a transaction has come. @param at which statement comes now */
export async function recordProgress(
  database: Queryable,
  id: string,
  statementsDone: number,
  at: string,
): Promise<void> {
  await database.query(PROGRESS, [id, statementsDone, at]);
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

/** Notes that a migration which was half-run is applied, because a person has seen to it. */
export async function recordFinished(database: Queryable, id: string): Promise<void> {
  await database.query(FINISH, [id]);
}

/** Takes the files of an applied migration as they are now. */
export async function recordFiles(database: Queryable, { id, up, down }: Migration): Promise<void> {
  await database.query(FILES, [id, up.checksum, down.checksum, down.sql]);
}

/** Takes a migration out of the ledger: it was rolled back, or nothing of it is there. */
export async function recordRolledBack(database: Queryable, id: string): Promise<void> {
  await database.query(DELETE, [id]);
}

interface Progress {
  status: LedgerRow['status'];
  done?: number;
  tookMs?: number;
  by?: string;
  at?: string;
}

function upsertValues(
  { id, up, down }: Migration,
  { status, done, tookMs, by = '', at }: Progress,
): unknown[] {
  const who = ` on ${hostname()} with heddle ${version}${by}`;
  return [id, up.checksum, down.checksum, down.sql, status, done, tookMs, who, at];
}

// Every column there is: an older layout, which lacks some, is only changed under the lock.
const READ = 'select * from ai_migrations order by seq';

/** Of an older layout. */
const ADDED_LATER = { direction: 'UP', statements_done: null, duration_ms: null, error: null } as const;

const APPLIED_IDS = "select id from ai_migrations where status = 'applied'";

// A row may be there already: of a file without a transaction that runs to its end now, or that failed at its start.
const UPSERT = `
  insert into ai_migrations
    (id, up_checksum, down_checksum, down_sql, status, statements_done, duration_ms, applied_by, error)
  values ($1, $2, $3, $4, $5, $6, $7, current_user || $8, $9)
  on conflict (id) do update set
    (up_checksum, down_checksum, down_sql, status, direction, statements_done, duration_ms, applied_by, applied_at, error)
    = (excluded.up_checksum, excluded.down_checksum, excluded.down_sql, excluded.status, 'UP',
       excluded.statements_done, excluded.duration_ms, excluded.applied_by, excluded.applied_at, excluded.error)`;

const START_DOWN = `
  update ai_migrations set status = 'running', direction = 'DOWN', statements_done = 0, error = $2 where id = $1`;

const PROGRESS = 'update ai_migrations set statements_done = $2, error = $3 where id = $1';

const FAIL = "update ai_migrations set status = 'failed', statements_done = $2, error = $3 where id = $1";

const FINISH = `
  update ai_migrations set status = 'applied', direction = 'UP', statements_done = null, error = null where id = $1`;

const FILES = 'update ai_migrations set up_checksum = $2, down_checksum = $3, down_sql = $4 where id = $1';

const DELETE = 'delete from ai_migrations where id = $1';
