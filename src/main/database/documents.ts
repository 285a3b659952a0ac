import type { documents, parsedDocuments } from '../../../drizzle/schema/documents.ts';
import type { Queryable } from './connect.ts';
import { claimFile } from './document-files.ts';
import { newId } from './new-id.ts';

/** A document and what became of it. */
export type DocumentRow = Omit<typeof documents.$inferSelect, 'charset'> &
  Pick<
    typeof parsedDocuments.$inferSelect,
    | 'status'
    | 'pages'
    | 'characters'
    | 'error'
    | 'chunks'
    | 'embedding_status'
    | 'embedding_model'
    | 'embedding_dimension'
    | 'embedding_error'
  >;

/** A document to make of a file that has come in. */
export interface NewDocument {
  /** Of the stored file, which is claimed. */
  fileId: string;
  title: string;
  mediaType: string;
  /** As its sender says that its text is encoded. */
  charset: string | null;
  bytes: number;
  /** In lower-case hexadecimal. */
  sha256: string;
}

/**
 * Makes a document of a stored file, or finds the one that has the same bytes. Simultaneous calls with the same bytes
 * wait for each other, and one of them makes it.
 * @param client in a transaction
 * @returns its id, and whether it is new
 */
export async function makeDocument(
  client: Queryable,
  { fileId, title, mediaType, charset, bytes, sha256 }: NewDocument,
): Promise<{ id: string; isNew: boolean }> {
  const proposed = newId();
  const values = [proposed, title, mediaType, charset, bytes, sha256];
  const { rows } = await client.query<{ id: string }>(INSERT_DOCUMENT, values);
  const id = (rows[0] as { id: string }).id;
  if (id !== proposed) return { id, isNew: false };
  await claimFile(client, fileId, id);
  await client.query(INSERT_PARSED, [id]);
  return { id, isNew: true };
}

/** Says which tasks work on a document, in their order. */
export async function addTasks(client: Queryable, id: string, taskIds: readonly string[]): Promise<void> {
  await client.query(ADD_TASKS, [id, taskIds]);
}

/** @param id a whole id */
export async function findDocument(database: Queryable, id: string): Promise<DocumentRow | undefined> {
  const { rows } = await database.query<DocumentRow>(`${SELECT_DOCUMENTS} where d.id = $1`, [id]);
  return rows[0];
}

/**
 * Documents, newest first.
 * @param before only those that are older than the document with this id
 */
export async function listDocuments(
  database: Queryable,
  limit: number,
  before: string | null,
): Promise<DocumentRow[]> {
  const { rows } = await database.query<DocumentRow>(LIST_DOCUMENTS, [before, limit]);
  return rows;
}

/** @returns the text of a document that is transcribed */
export async function readText(database: Queryable, id: string): Promise<string | undefined> {
  const { rows } = await database.query<{ text: string }>(READ_TEXT, [id]);
  return rows[0]?.text;
}

/**
 * Deletes a document and everything made of it, except its tasks.
 * @returns the ids of its tasks, or nothing when there is no such document
 */
export async function deleteDocument(database: Queryable, id: string): Promise<string[] | undefined> {
  const { rows } = await database.query<{ task_ids: string[] }>(DELETE_DOCUMENT, [id]);
  return rows[0]?.task_ids;
}

/** `do update` rather than `do nothing`: it waits for a simultaneous insert to commit and returns that row. */
const INSERT_DOCUMENT = `
insert into documents (id, title, media_type, charset, bytes, sha256) values ($1, $2, $3, $4, $5, $6)
on conflict (sha256) do update set sha256 = excluded.sha256
returning id`;

const INSERT_PARSED = 'insert into parsed_documents (document_id) values ($1)';

const ADD_TASKS = 'update documents set task_ids = task_ids || $2::uuid[] where id = $1';

/**
 * A document is under way only as long as one of its tasks is: a task that was killed, cancelled or pruned could not
 * say so here itself. The first task that ended badly tells why; those that waited for it only say that they did. One that
 * only lacks its embeddings is ready: it has its text, and is found by its words.
 */
const SELECT_DOCUMENTS = `
select d.id, d.title, d.media_type, d.bytes::float8 as bytes, d.sha256, d.task_ids, d.created_at,
  p.pages, p.characters, p.chunks, p.embedding_model, p.embedding_dimension,
  case when known.holds then p.status when p.status = 'embedding' then 'ready' else 'failed' end as status,
  case when known.holds or p.status = 'embedding' then p.error else coalesce(work.error, 'its task is gone') end
    as error,
  case when known.embeds then p.embedding_status else 'failed' end as embedding_status,
  case when known.embeds then p.embedding_error else coalesce(work.error, 'its task is gone') end as embedding_error
from documents d
join parsed_documents p on p.document_id = d.id
cross join lateral (
  select bool_or(t.status in ('created', 'queued', 'running')) as under_way,
    (array_agg(t.error order by array_position(d.task_ids, t.id)) filter (where t.error is not null))[1] as error
  from tasks t
  where t.id = any(d.task_ids)
) as work
cross join lateral (
  select p.status in ('ready', 'failed') or coalesce(work.under_way, false) as holds,
    p.embedding_status <> 'pending' or coalesce(work.under_way, false) as embeds
) as known`;

/** Ids sort by time. */
const LIST_DOCUMENTS = `${SELECT_DOCUMENTS}
where $1::uuid is null or d.id < $1::uuid
order by d.id desc
limit $2`;

/** Whatever became of it afterwards. */
const READ_TEXT = 'select text from parsed_documents where document_id = $1 and text is not null';

/** Its file, its pieces and its text go with it, by their foreign keys. */
const DELETE_DOCUMENT = 'delete from documents where id = $1 returning task_ids';
