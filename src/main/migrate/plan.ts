import { EXIT, MigrationError } from './error.ts';
import type { Migration } from './files.ts';
import { type LedgerRow, standing } from './ledger.ts';

export interface UpWishes {
  /** The last id to apply; all when undefined. */
  to: string | undefined;
  allowOutOfOrder: boolean;
  /** What to do about applied migrations that are newer than every file: a newer release was here before. */
  newer: 'warn' | 'refuse';
}

/**
 * Decides what `--up` applies, in order. Pure.
 * @returns also the ids of newer ones that these files do not know
 * @throws MigrationError when files and ledger do not go together, with every reason
 */
export function planUp(
  migrations: readonly Migration[],
  rows: readonly LedgerRow[],
  wishes: UpWishes,
): { pending: Migration[]; newer: string[] } {
  const touched = rows.filter((row) => standing(row) !== 'pending');
  const newer = wishes.newer === 'warn' ? newerThanFiles(migrations, touched) : [];
  const pending = untouched(migrations, touched);
  refuse([
    ...halfRunFaults(touched),
    ...missingFaults(migrations, touched, newer),
    ...modifiedFaults(migrations, touched),
    ...(wishes.allowOutOfOrder ? [] : orderFaults(pending, touched)),
  ]);
  return { pending: pending.slice(0, countUpTo(wishes.to, migrations, pending)), newer };
}

/**
 * Decides what `--rollback` undoes, the last applied first. Pure.
 * @throws MigrationError when a migration is half-run
 */
export function planDown(rows: readonly LedgerRow[], count: number): LedgerRow[] {
  refuse(halfRunFaults(rows));
  const applied = rows.filter((row) => standing(row) === 'applied');
  return applied.reverse().slice(0, count);
}

/** Whether the UP file was edited after it was applied. */
export function isModified(migration: Migration, row: LedgerRow): boolean {
  return migration.up.checksum !== row.up_checksum;
}

/** Whether any of its two files was edited since the ledger has noted them. */
export function isEdited(migration: Migration, row: LedgerRow): boolean {
  return isModified(migration, row) || migration.down.checksum !== row.down_checksum;
}

/** The newest id of all; empty when there is none. */
export function newestOf(rows: readonly LedgerRow[]): string {
  return rows.reduce((newest, { id }) => (id > newest ? id : newest), '');
}

/** What to do about a pending migration that is older than an applied one. */
export const HOW_TO_APPLY_LATE = 'give it a newer id, or apply it still with --up --allow-out-of-order';

/** How far a file without a transaction has come, or by what it was stopped. */
export function howFar({ id, direction, error }: LedgerRow): string {
  return error ?? `${id}_${direction}.sql: it was begun`;
}

function untouched(migrations: readonly Migration[], touched: readonly LedgerRow[]): Migration[] {
  const ids = new Set(touched.map((row) => row.id));
  return migrations.filter(({ id }) => !ids.has(id));
}

function newerThanFiles(migrations: readonly Migration[], rows: readonly LedgerRow[]): string[] {
  const newest = migrations.at(-1)?.id ?? '';
  return rows.map((row) => row.id).filter((id) => id > newest);
}

function halfRunFaults(rows: readonly LedgerRow[]): string[] {
  return rows
    .filter((row) => standing(row) === 'half-run')
    .map(
      (row) =>
        `${howFar(row)}; it did not run to its end, and a part of it may have stayed: finish or undo it by hand, and say so with --repair ${row.id} --as applied or --as pending`,
    );
}

function missingFaults(
  migrations: readonly Migration[],
  rows: readonly LedgerRow[],
  tolerated: readonly string[],
): string[] {
  const known = new Set([...migrations.map(({ id }) => id), ...tolerated]);
  return rows
    .filter((row) => !known.has(row.id))
    .map(
      (row) =>
        `${row.id}: it is applied, but its files are missing; bring them back, or use the newer release that has them`,
    );
}

function modifiedFaults(migrations: readonly Migration[], rows: readonly LedgerRow[]): string[] {
  const applied = new Map(rows.map((row) => [row.id, row]));
  return migrations
    .filter((migration) => {
      const row = applied.get(migration.id);
      return row !== undefined && isModified(migration, row);
    })
    .map(
      ({ id, up }) =>
        `${up.file}: it was edited after it was applied: restore it (git diff) and make a new migration of it, or accept it with --repair ${id} --accept`,
    );
}

function orderFaults(pending: readonly Migration[], rows: readonly LedgerRow[]): string[] {
  const newest = newestOf(rows);
  return pending
    .filter(({ id }) => id < newest)
    .map(({ id }) => `${id}: it is older than ${newest}, which is applied: ${HOW_TO_APPLY_LATE}`);
}

/** How many of the pending ones are not after `to`. */
function countUpTo(
  to: string | undefined,
  migrations: readonly Migration[],
  pending: readonly Migration[],
): number {
  if (to === undefined) return pending.length;
  if (!migrations.some(({ id }) => id === to))
    throw new MigrationError(EXIT.usage, `--to ${to}: there is no such migration`);
  return pending.filter(({ id }) => id <= to).length;
}

function refuse(faults: readonly string[]): void {
  if (faults.length > 0) throw new MigrationError(EXIT.filesInvalid, faults);
}
