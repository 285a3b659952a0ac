import type { Queryable } from '../database/connect.ts';
import { describe } from '../database/errors.ts';
import { EXIT, MigrationError } from './error.ts';

/**
 * Makes the table when it is not there, and gives it what its layout of an earlier version lacks. Only for the holder
 * of the migration lock.
 * @throws MigrationError when the role may not, or when the table is not Heddle's
 */
export async function ensureLedger(database: Queryable): Promise<void> {
  const columns = await ledgerColumns(database);
  // Not IF NOT EXISTS: that asks for the right to create even when there is nothing to create.
  if (columns.length === 0) return change(database, CREATE, 'made');
  const lacking = Object.entries(LATER).filter(([column]) => !columns.includes(column));
  if (lacking.length === 0) return;
  const additions = lacking.map(([column, type]) => `add column ${column} ${type}`).join(', ');
  await change(database, `alter table ai_migrations ${additions}`, 'brought up to date');
}

/**
 * The columns of the table; none when it was never made.
 * @throws MigrationError when it is not Heddle's
 */
export async function ledgerColumns(database: Queryable): Promise<string[]> {
  const { rows } = await database.query<{ attname: string }>(COLUMNS);
  const columns = rows.map(({ attname }) => attname);
  const missing = ESSENTIAL.filter((column) => !columns.includes(column));
  if (columns.length === 0 || missing.length === 0) return columns;
  const fault = `the table ai_migrations is not Heddle's: it has no ${missing.join(', ')}; rename it, or give Heddle a database of its own`;
  throw new MigrationError(EXIT.filesInvalid, fault);
}

/** Whether the table was ever made. */
export async function ledgerExists(database: Queryable): Promise<boolean> {
  const { rows } = await database.query<{ exists: boolean }>(EXISTS);
  return rows[0]?.exists === true;
}

async function change(database: Queryable, statement: string, done: string): Promise<void> {
  try {
    await database.query(statement);
  } catch (error) {
    const { message, code } = describe(error);
    const fault = `the table ai_migrations cannot be ${done}: ${message} (${code})`;
    throw new MigrationError(EXIT.sqlFailed, fault, { cause: error });
  }
}

const EXISTS = "select to_regclass('ai_migrations') is not null as exists";

const COLUMNS = `
  select attname from pg_attribute
  where attrelid = to_regclass('ai_migrations') and attnum > 0 and not attisdropped`;

/** What no table can be the ledger without. */
const ESSENTIAL = [
  'seq',
  'id',
  'up_checksum',
  'down_checksum',
  'down_sql',
  'status',
  'applied_at',
  'applied_by',
];

/** What can be added to a table with rows in it. */
const LATER = {
  direction: "text not null default 'UP' check (direction in ('UP', 'DOWN'))",
  statements_done: 'integer',
  duration_ms: 'double precision',
  error: 'text',
};

const CREATE = `
  create table ai_migrations (
    seq bigint generated always as identity primary key,
    id text not null unique,
    up_checksum text not null,
    down_checksum text not null,
    down_sql text not null,
    status text not null check (status in ('applied', 'running', 'failed')),
    direction ${LATER.direction},
    statements_done ${LATER.statements_done},
    applied_at timestamptz not null default clock_timestamp(),
    duration_ms ${LATER.duration_ms},
    applied_by text not null,
    error ${LATER.error}
  )`;
