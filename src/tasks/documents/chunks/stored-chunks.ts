import type { Pool, PoolClient } from 'pg';
import { PermanentError } from '../../../workers/define-task.ts';
import { searchable } from '../../../workers/shared/search-terms.ts';
import { notFound } from '../unreadable.ts';
import type { Chunk } from './chunk-text.ts';

/**
 * Marks the document as being cut.
 * @returns its text
 * @throws PermanentError when there is no such document, or no text of it
 */
export async function beginChunking(database: Pool, id: string): Promise<string> {
  const { rows } = await database.query<{ text: string | null }>(BEGIN_CHUNKING, [id]);
  const [row] = rows;
  if (row === undefined) throw notFound(id);
  if (row.text === null) throw new PermanentError(`the document ${id} has no text: transcribe it first`);
  return row.text;
}

/** Drops the chunks that the document has, and their embeddings. */
export async function dropChunks(client: PoolClient, id: string): Promise<void> {
  await client.query(DROP_CHUNKS, [id]);
}

/**
 * Keeps chunks of a text, in their order.
 * @param first the number of the first one
 */
export async function keepChunks(
  client: PoolClient,
  id: string,
  text: string,
  first: number,
  chunks: readonly Chunk[],
): Promise<void> {
  const texts = chunks.map(({ start, end }) => text.slice(start, end));
  await client.query(KEEP_CHUNKS, [
    id,
    first,
    chunks.map(({ page }) => page),
    chunks.map(({ start }) => start),
    chunks.map(({ end }) => end),
    texts,
    texts.map(searchable),
  ]);
}

/** Says that all chunks are there: embeddings can be made of them. */
export async function keepChunkCount(client: PoolClient, id: string, chunks: number): Promise<void> {
  await client.query(KEEP_CHUNK_COUNT, [id, chunks]);
}

/** A text that is null was never transcribed: its document stays as it is. */
const BEGIN_CHUNKING = `
update parsed_documents
set status = case when text is null then status else 'chunking' end, error = null, updated_at = now()
where document_id = $1
returning text`;

const DROP_CHUNKS = 'delete from document_chunks where document_id = $1';

const KEEP_CHUNKS = `
insert into document_chunks (document_id, chunk, page, start_offset, end_offset, text, words)
select $1, $2::int + number - 1, page, start_offset, end_offset, text, to_tsvector('english', words)
from unnest($3::int[], $4::int[], $5::int[], $6::text[], $7::text[]) with ordinality
  as chunks (page, start_offset, end_offset, text, words, number)
order by number`;

const KEEP_CHUNK_COUNT = `
update parsed_documents
set status = 'embedding', chunks = $2, embedding_status = 'pending', embedding_model = null,
  embedding_dimension = null, embedding_error = null, embedding_retry_at = null, updated_at = now()
where document_id = $1`;
