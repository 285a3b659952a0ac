import type { Migration } from './files.ts';
import { type LedgerRow, standing } from './ledger.ts';
import { HOW_TO_APPLY_LATE, howFar, isModified, newestOf } from './plan.ts';

export type MigrationState = 'applied' | 'pending' | 'modified' | 'missing' | 'failed' | 'running';

/** Where a migration stands. */
export interface StatusItem {
  id: string;
  state: MigrationState;
  applied_at: Date | null;
  duration_ms: number | null;
  applied_by: string;
  /** For a person: what there is to know beyond the state. */
  note: string;
}

/** Holds files and ledger against each other. Pure. */
export function compare(migrations: readonly Migration[], rows: readonly LedgerRow[]): StatusItem[] {
  const files = new Map(migrations.map((migration) => [migration.id, migration]));
  const ledger = new Map(rows.map((row) => [row.id, row]));
  const ids = [...new Set([...files.keys(), ...ledger.keys()])].sort();
  const newest = newestOf(rows.filter((row) => standing(row) !== 'pending'));
  return ids.map((id) => {
    const row = ledger.get(id);
    return row === undefined ? pending(id, newest) : item(id, files.get(id), row);
  });
}

function pending(id: string, newest: string): StatusItem {
  const note = id < newest ? `it is older than ${newest}, which is applied: ${HOW_TO_APPLY_LATE}` : '';
  return { id, state: 'pending', applied_at: null, duration_ms: null, applied_by: '', note };
}

function item(id: string, migration: Migration | undefined, row: LedgerRow): StatusItem {
  const { duration_ms, applied_by } = row;
  const state = stateOf(migration, row);
  const applied_at = state === 'failed' || state === 'running' ? null : row.applied_at;
  return { id, state, applied_at, duration_ms, applied_by, note: note(state, migration, row) };
}

function stateOf(migration: Migration | undefined, row: LedgerRow): MigrationState {
  if (row.status !== 'applied') return row.status;
  if (migration === undefined) return 'missing';
  return isModified(migration, row) ? 'modified' : 'applied';
}

function note(state: MigrationState, migration: Migration | undefined, row: LedgerRow): string {
  if (state === 'failed' || state === 'running')
    return `${howFar(row)}; unless a process is at work on it: --repair ${row.id} --as applied or --as pending`;
  if (state === 'missing') return 'applied, but its files are gone';
  if (state === 'modified') return 'the UP file was edited after it was applied';
  return migration?.down.checksum === row.down_checksum ? '' : 'the DOWN file was edited since';
}
