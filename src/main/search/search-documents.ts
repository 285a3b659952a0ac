import { chunksByVector } from '../database/chunks-by-vector.ts';
import { chunksByWords, parseWords } from '../database/chunks-by-words.ts';
import type { Queryable } from '../database/connect.ts';
import { type FoundChunk, readChunks } from '../database/document-chunks.ts';
import { type Fused, fuse } from './fuse.ts';
import type { QueryEmbedder } from './query-embedder.ts';

/** What a search found, the best first, and by what. */
export interface SearchAnswer {
  items: (FoundChunk & { score: number })[];
  method: 'full_text' | 'vector' | 'hybrid';
}

/**
 * Searches the chunks of all documents: by their words, and, where there is an embedder, by their vectors.
 * @param embedder null when nobody makes embeddings
 */
export async function searchDocuments(
  database: Queryable,
  embedder: QueryEmbedder | null,
  q: string,
  limit: number,
): Promise<SearchAnswer> {
  const [byWords, byVector] = await Promise.all([
    findByWords(database, q),
    embedder === null ? null : findByVector(database, embedder, q),
  ]);
  const rankings = [byWords, byVector].filter((ranking) => ranking !== null);
  const items = await readFound(database, fuse(rankings).slice(0, limit));
  return { items, method: methodOf(byWords, byVector) };
}

/** So many of each ranking are put together: one that is first in neither can be first in both. */
const CANDIDATES = 100;

/** @returns null when there are no words in it */
async function findByWords(database: Queryable, q: string): Promise<string[] | null> {
  const query = await parseWords(database, q);
  return query === null ? null : chunksByWords(database, query, CANDIDATES);
}

/** @returns null when the endpoint is away, and when there is nothing to compare with */
async function findByVector(
  database: Queryable,
  embedder: QueryEmbedder,
  q: string,
): Promise<string[] | null> {
  const embedded = await embedder.embed(q);
  if (embedded === null) return null;
  const ids = await chunksByVector(database, embedded.model, embedded.vector, CANDIDATES);
  return ids.length === 0 ? null : ids;
}

function methodOf(byWords: string[] | null, byVector: string[] | null): SearchAnswer['method'] {
  if (byVector === null) return 'full_text';
  return byWords === null ? 'vector' : 'hybrid';
}

async function readFound(database: Queryable, found: readonly Fused[]): Promise<SearchAnswer['items']> {
  const chunks = new Map(
    (
      await readChunks(
        database,
        found.map(({ id }) => id),
      )
    ).map((chunk) => [chunk.id, chunk]),
  );
  return found.flatMap(({ id, score }) => {
    const chunk = chunks.get(id);
    return chunk === undefined ? [] : [{ ...chunk, score }];
  });
}
