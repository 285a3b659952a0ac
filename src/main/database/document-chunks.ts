import type { Queryable } from './connect.ts';

/** A chunk of a document's text, `text.slice(start, end)` of it. */
export interface ChunkRow {
  chunk: number;
  start: number;
  end: number;
  page: number;
  text: string;
}

/** A chunk with what it is a part of. */
export type FoundChunk = ChunkRow & { id: string; document_id: string; title: string };

/** All chunks of a document, in their order. */
export async function listChunks(database: Queryable, documentId: string): Promise<ChunkRow[]> {
  const { rows } = await database.query<ChunkRow>(LIST_CHUNKS, [documentId]);
  return rows;
}

/** Chunks by their ids, in no order. Those that are gone meanwhile are missing. */
export async function readChunks(database: Queryable, ids: readonly string[]): Promise<FoundChunk[]> {
  const { rows } = await database.query<FoundChunk>(READ_CHUNKS, [ids]);
  return rows;
}

const FIELDS = 'c.chunk, c.start_offset as start, c.end_offset as end, c.page, c.text';

const LIST_CHUNKS = `select ${FIELDS} from document_chunks c where c.document_id = $1 order by c.chunk`;

const READ_CHUNKS = `
select c.id, c.document_id, d.title, ${FIELDS}
from document_chunks c
join documents d on d.id = c.document_id
where c.id = any($1::bigint[])`;
