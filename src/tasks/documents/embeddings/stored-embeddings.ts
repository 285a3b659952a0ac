import type { Pool, PoolClient } from 'pg';
import { PermanentError } from '../../../workers/define-task.ts';
import { toSignBits, toSqlArray } from '../../../workers/shared/embeddings/vectors.ts';
import { notFound } from '../unreadable.ts';

/** A chunk that is to be embedded. */
export interface ChunkText {
  id: string;
  text: string;
}

/**
 * Marks the document's embeddings as pending.
 * @returns how many chunks it has
 * @throws PermanentError when there is no such document, or its text is not cut into chunks
 */
export async function beginEmbedding(database: Pool, id: string, model: string): Promise<number> {
  const { rows } = await database.query<{ chunks: number | null }>(BEGIN_EMBEDDING, [id, model]);
  const [row] = rows;
  if (row === undefined) throw notFound(id);
  if (row.chunks === null) throw new PermanentError(`the document ${id} has no chunks: chunk it first`);
  return row.chunks;
}

/** The next chunks that have no embedding of this model, and, where that is known, of this dimension. */
export async function chunksWithout(
  database: Pool,
  id: string,
  model: string,
  dimension: number | null,
): Promise<ChunkText[]> {
  const { rows } = await database.query<ChunkText>(CHUNKS_WITHOUT, [id, model, dimension, CHUNKS_AT_ONCE]);
  return rows;
}

const CHUNKS_AT_ONCE = 128;

/** Keeps embeddings, in place of those that there are. A chunk that is gone gets none: its number is not given anew. */
export async function keepEmbeddings(
  database: Pool,
  chunks: readonly ChunkText[],
  model: string,
  vectors: readonly Float32Array[],
): Promise<void> {
  await database.query(KEEP_EMBEDDINGS, [
    chunks.map(({ id }) => id),
    model,
    vectors.map(toSqlArray),
    vectors.map(toSignBits),
  ]);
}

/** The document is ready, with all its embeddings. @returns their dimension, or null when it has no chunks */
export async function keepEmbedded(client: PoolClient, id: string, model: string): Promise<number | null> {
  const { rows } = await client.query<{ dimension: number | null }>(KEEP_EMBEDDED, [id, model]);
  return rows[0]?.dimension ?? null;
}

/**
 * The document is ready without embeddings: nobody makes any. Those of a time when somebody did stay.
 * @throws PermanentError when there is no such document
 */
export async function keepUnembedded(client: PoolClient, id: string): Promise<void> {
  const { rowCount } = await client.query(KEEP_UNEMBEDDED, [id]);
  if (rowCount === 0) throw notFound(id);
}

/** Says at the document why it has no embeddings yet. */
export async function noteTrouble(database: Pool, id: string, error: Error): Promise<void> {
  await database.query(NOTE_TROUBLE, [id, error.message]);
}

/**
 * The document is ready without embeddings: they could not be made.
 * @param retryInSeconds when `refresh-embeddings` is to try again; null: not before a runner starts anew
 */
export async function noteFailedEmbedding(
  database: Pool,
  id: string,
  model: string,
  error: Error,
  retryInSeconds: number | null,
): Promise<void> {
  await database.query(NOTE_FAILED, [id, model, error.message, retryInSeconds]);
}

/** Without chunks it stays as it is. From the first batch on, embeddings of another model would be only some of them. */
const BEGIN_EMBEDDING = `
update parsed_documents
set (embedding_status, embedding_model, embedding_dimension) = (
    select 'pending', $2, null::int where chunks is not null
    union all
    select embedding_status, embedding_model, embedding_dimension where chunks is null
  ),
  updated_at = now()
where document_id = $1
returning chunks`;

const CHUNKS_WITHOUT = `
select c.id, c.text
from document_chunks c
left join document_embeddings e on e.chunk_id = c.id
where c.document_id = $1 and (e.chunk_id is null or e.model <> $2 or e.dimension <> $3)
order by c.chunk
limit $4`;

const KEEP_EMBEDDINGS = `
insert into document_embeddings (chunk_id, model, dimension, embedding, signs)
select c.id, $2, length(signs), embedding::real[], signs::bit varying
from unnest($1::bigint[], $3::text[], $4::text[]) as made (chunk_id, embedding, signs)
join document_chunks c on c.id = made.chunk_id
on conflict (chunk_id) do update
set model = excluded.model, dimension = excluded.dimension, embedding = excluded.embedding, signs = excluded.signs`;

const KEEP_EMBEDDED = `
update parsed_documents
set status = 'ready', embedding_status = 'done', embedding_model = $2, embedding_error = null,
  embedding_retry_at = null, updated_at = now(),
  embedding_dimension = (
    select e.dimension
    from document_chunks c
    join document_embeddings e on e.chunk_id = c.id
    where c.document_id = $1
    limit 1
  )
where document_id = $1
returning embedding_dimension as dimension`;

/** Only whose embeddings are complete has a dimension. */
const KEEP_UNEMBEDDED = `
update parsed_documents
set status = case when chunks is null then status else 'ready' end,
  embedding_status = case when embedding_dimension is null then 'none' else 'done' end,
  embedding_model = case when embedding_dimension is not null then embedding_model end,
  embedding_error = null, embedding_retry_at = null, updated_at = now()
where document_id = $1`;

/* An attempt that is late must not undo what a newer one has kept: only of a document that is pending. */

const NOTE_TROUBLE = `
update parsed_documents set embedding_error = $2, updated_at = now()
where document_id = $1 and embedding_status = 'pending'`;

const NOTE_FAILED = `
update parsed_documents
set status = 'ready', embedding_status = 'failed', embedding_model = $2, embedding_dimension = null,
  embedding_error = $3, embedding_retry_at = now() + make_interval(secs => $4), updated_at = now()
where document_id = $1 and embedding_status = 'pending'`;
