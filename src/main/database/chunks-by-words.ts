import { searchQuery } from '../../workers/shared/search-terms.ts';
import type { Queryable } from './connect.ts';
import { websearch } from './search-text.ts';

/** What is looked for, as PostgreSQL understands it. */
export interface WordQuery {
  /** A tsquery: all of it. */
  all: string;
  /** A tsquery: any of it. null when that would be the same, or would find what is excluded. */
  any: string | null;
}

/** @returns null when no word is left: only stop words, or only punctuation */
export async function parseWords(database: Queryable, q: string): Promise<WordQuery | null> {
  const { rows } = await database.query<{ query: string }>(PARSE, [websearch(searchQuery(q))]);
  const all = rows[0]?.query ?? '';
  if (all === '') return null;
  const any = all.includes('!') || !all.includes(' & ') ? null : all.replaceAll(' & ', ' | ');
  return { all, any };
}

/**
 * The ids of chunks that have the words, the best match first: those that have all of them, and when these are few, then
 * those that have any. Of more than 1,000 that match, the newest 1,000 are compared.
 */
export async function chunksByWords(
  database: Queryable,
  { all, any }: WordQuery,
  limit: number,
): Promise<string[]> {
  const ids = await ranked(database, ALL_WORDS, all, limit);
  if (any === null || ids.length >= limit) return ids;
  const more = await ranked(database, ANY_WORD, any, limit);
  return [...new Set([...ids, ...more])].slice(0, limit);
}

async function ranked(
  database: Queryable,
  statement: string,
  query: string,
  limit: number,
): Promise<string[]> {
  const { rows } = await database.query<{ id: string }>(statement, [query, limit]);
  return rows.map(({ id }) => id);
}

const PARSE = `select websearch_to_tsquery('english', $1)::text as query`;

/**
 * The query is a parameter: so the planner sees from its statistics whether the words are rare, and takes the index, or
 * common, and then reads from the newest chunk on until there are enough. To rank all that have a common word would mean
 * to read all their words: among 50,000 chunks that took 40 times as long.
 */
function newestRankedBy(rank: string): string {
  return `
with newest as materialized (
  select id, words from document_chunks where words @@ $1::tsquery order by id desc limit 1000
)
select id from newest order by ${rank}(words, $1::tsquery) desc, id desc limit $2`;
}

/** Words that are near each other count more (cover density). */
const ALL_WORDS = newestRankedBy('ts_rank_cd');

/** Different words count more than one that is there often. */
const ANY_WORD = newestRankedBy('ts_rank');
