import type { Queryable } from './connect.ts';

/**
 * The ids that a person can mean by what they typed: a whole id, or a prefix or ending of at least 4 hexadecimal
 * digits. Hyphens may be there or not.
 * @returns at most two, which is one too many
 */
export async function idsLike(database: Queryable, table: Table, typed: string): Promise<string[]> {
  const digits = typed.replaceAll('-', '').toLowerCase();
  if (!/^[0-9a-f]{4,32}$/.test(digits)) return [];
  if (digits.length === 32) return [hyphenated(digits)];
  const isOne = digits.length >= RANDOM_DIGITS;
  const recent = isOne ? await select(database, table, digits, RECENT) : [];
  return recent.length > 0 ? recent : select(database, table, digits);
}

type Table = 'tasks' | 'documents' | 'facts';

/**
 * The last group of an id, which is how the CLI shows ids: 48 random bits. Who is found by them among the newest is who
 * is meant: that one of ten million others has the same comes once in thirty million times.
 */
const RANDOM_DIGITS = 12;

/** They are read through in two hundredths of a second. */
const RECENT = 100_000;

/** @param newest of so many the endings are looked at; without it, of all */
async function select(database: Queryable, table: Table, digits: string, newest?: number): Promise<string[]> {
  const ending = hyphenated(digits.padStart(32, '.')).replace(/^[.-]+/, '');
  const bytes = Math.floor(digits.length / 2);
  const { rows } = await database.query<{ id: string }>({
    name: `${table}-ids-like${newest === undefined ? '' : '-newest'}`,
    text: selectIdsLike(table, newest),
    values: [
      hyphenated(digits.padEnd(32, '0')),
      hyphenated(digits.padEnd(32, 'f')),
      16 - bytes + 1,
      Buffer.from(digits.slice(-2 * bytes), 'hex'),
      `%${ending}`,
    ],
  });
  return rows.map((row) => row.id);
}

/**
 * $1 and $2 the range of a prefix; $3 and $4 where the whole bytes of the ending begin, from 1, and those bytes; $5 a
 * pattern of the ending. A prefix is a range of the primary key. For an ending the key's index is read through, which
 * among ten million takes a good half of a second: bytes are compared in a third of the time that texts are, so the
 * pattern is for the half byte that may be left over.
 *
 * An index of the endings would be written at random places, by each change of a task: 2.9 KB of WAL a row instead of
 * 0.2, and twice the time.
 *
 * Both are always looked for: to take one that is somebody else's ending for a prefix could cancel the wrong task.
 */
const selectIdsLike = (table: Table, newest: number | undefined) => `
(select id from ${table} where id between $1::uuid and $2::uuid limit 2)
union
(select id from ${newest === undefined ? table : `(select id from ${table} order by id desc limit ${newest}) newest`}
where case when substr(uuid_send(id), $3) = $4 then id::text like $5 else false end limit 2)
limit 2`;

function hyphenated(digits: string): string {
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
