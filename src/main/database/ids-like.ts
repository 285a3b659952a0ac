import type { Queryable } from './connect.ts';

/**
 * The ids that a person can mean by what they typed: a whole id, or a prefix or ending of at least 4 hexadecimal
 * digits. Hyphens may be there or not.
 * @returns at most two, which is one too many
 */
export async function idsLike(
  database: Queryable,
  table: 'tasks' | 'documents' | 'facts',
  typed: string,
): Promise<string[]> {
  const digits = typed.replaceAll('-', '').toLowerCase();
  if (!/^[0-9a-f]{4,32}$/.test(digits)) return [];
  if (digits.length === 32) return [hyphenated(digits)];
  const ending = hyphenated(digits.padStart(32, '.')).replace(/^[.-]+/, '');
  const values = [hyphenated(digits.padEnd(32, '0')), hyphenated(digits.padEnd(32, 'f')), `%${ending}`];
  const { rows } = await database.query<{ id: string }>({
    name: `${table}-ids-like`,
    text: selectIdsLike(table),
    values,
  });
  return rows.map((row) => row.id);
}

/**
 * $1 and $2 the range of a prefix, $3 a pattern of the ending. A prefix is a range of the primary key. For an ending the
 * key's index is read through: of ten million in a second or two. Both are always looked for: to take one that is somebody
 * else's ending for a prefix could cancel the wrong task.
 */
const selectIdsLike = (table: string) => `
(select id from ${table} where id between $1::uuid and $2::uuid limit 2)
union
(select id from ${table} where id::text like $3 limit 2)
limit 2`;

function hyphenated(digits: string): string {
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
