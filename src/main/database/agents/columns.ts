import { eq, type SQL } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';

/** A value for a column of jsonb. Nothing is SQL's null, as Agno writes it, and not JSON's. */
export function json(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}

/** A condition for each column that a value is given for. */
export function whereGiven<Name extends string>(
  table: Record<NoInfer<Name>, PgColumn>,
  filter: { [name in Name]?: string | undefined },
): SQL[] {
  const given = Object.entries(filter) as [Name, string | undefined][];
  return given.flatMap(([name, value]) => (value === undefined ? [] : [eq(table[name], value)]));
}
