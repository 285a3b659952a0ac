import type { Queryable } from '../connect.ts';
import { EXPECTED_ROWS, SHARES_OF_ANALYZE, SHARES_OF_SAMPLE, STALENESS } from './sql.ts';

/** What can be known of a table without reading it: how many rows it has, and what part of them is of which kind. */
export interface Expectations {
  rows: number;
  /** How many rows are of a kind; undefined when it is so rare that nothing is known of it. */
  of(column: Share['column'], value: string): number | undefined;
}

/** What part of all rows has a status or a type, or is a queued task of a type that is due, or due later. */
export interface Share {
  column: 'status' | 'type' | 'ready' | 'scheduled';
  value: string;
  share: number;
}

/**
 * Takes what the latest ANALYZE has found. When that was long ago, or `withQueue` asks for what it does not look for,
 * some pages of the table are looked at.
 * @throws Error when the database does not answer
 */
export async function readExpectations(database: Queryable, withQueue: boolean): Promise<Expectations> {
  const known = await database.query<Staleness>(STALENESS, [PAGES]);
  const [{ is_analyzed, is_stale, percent }] = known.rows as [Staleness];
  const mustLook = is_stale || withQueue;
  const sampled = mustLook ? await database.query<SampledShare>(SHARES_OF_SAMPLE, [percent]) : NOTHING;
  const analyzed = is_stale ? NOTHING : await database.query<Share>(SHARES_OF_ANALYZE);
  const rows = is_analyzed
    ? await planned(database)
    : Math.round(((sampled.rows[0]?.sampled ?? 0) * 100) / percent);
  return expectationsOf(rows, [...sampled.rows, ...analyzed.rows]);
}

/** By what was known of it at the last ANALYZE, and its size now. */
async function planned(database: Queryable): Promise<number> {
  const { rows } = await database.query<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>(EXPECTED_ROWS);
  return rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0;
}

interface Staleness {
  is_analyzed: boolean;
  is_stale: boolean;
  percent: number;
}

/** With how many rows were looked at in all. */
type SampledShare = Share & { sampled: number };

const NOTHING = { rows: [] };

/** How many pages are looked at. */
const PAGES = 200;

/** @param shares of two for the same kind, the latter counts */
export function expectationsOf(rows: number, shares: readonly Share[]): Expectations {
  const counts = new Map(
    shares.map(({ column, value, share }) => [`${column} ${value}`, Math.round(share * rows)]),
  );
  return { rows, of: (column, value) => counts.get(`${column} ${value}`) };
}
