import { type AnyColumn, type SQL, sql } from 'drizzle-orm';
import pg from 'pg';

/** A time of a row that stays text on its way to a caller: to make a Date of it and text again costs 2 µs each. */
export function instantText(column: AnyColumn): SQL<string> {
  return sql<string>`${column}`.mapWith(toInstantText);
}

/**
 * A time as answers have it: ISO 8601, UTC, milliseconds.
 * @param written as PostgreSQL writes a timestamptz, alone (`2026-11-29 17:50:00.123456+00`) or in JSON. What is no point
 * in time, such as `infinity`, stays as it is
 */
export function toInstantText(written: string): string {
  const [whole, day, time, fraction = ''] = IN_UTC.exec(written) ?? [];
  if (whole === undefined) return parsed(written);
  return `${day}T${time}.${fraction.padEnd(3, '0').slice(0, 3)}Z`;
}

/** As nearly every session has it. */
const IN_UTC = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\+00(?::00)?$/;

/** In another time zone, or beyond the years of four digits. */
function parsed(written: string): string {
  const instant: unknown = parse(written.replace('T', ' '));
  return instant instanceof Date ? instant.toISOString() : written;
}

const parse = pg.types.getTypeParser(pg.types.builtins.TIMESTAMPTZ);
