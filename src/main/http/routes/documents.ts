import type { Context } from 'hono';
import type pg from 'pg';
import { z } from 'zod';
import { type Queryable, transaction } from '../../database/connect.ts';
import {
  type DocumentRow,
  deleteDocument,
  findDocument,
  listDocuments,
  readText,
} from '../../database/documents.ts';
import { cancelByHand } from '../../engine/by-hand.ts';
import { Problem } from '../answers/problem.ts';
import type { Operations } from '../contract/operations.ts';
import type { ApiParts } from '../parts.ts';
import { fromCursor, toCursor } from '../requests/cursor.ts';
import { idMeant, noSuch } from '../requests/short-id.ts';
import { deleted } from '../schemas/common.ts';
import { document, documentListQuery, documentPage } from '../schemas/documents.ts';

/** Documents: list, look at, read, delete. They come in by `upload-document.ts`. */
export function documentRoutes(api: Operations, { database }: ApiParts): void {
  api.on(
    {
      method: 'get',
      path: '/api/v1/documents',
      operationId: 'listDocuments',
      summary: 'List documents, the newest first',
      tag: TAG,
      role: 'viewer',
      query: documentListQuery,
      answers: { 200: { description: 'A page of documents', schema: documentPage } },
    },
    async (c, { query: { limit, cursor } }) => {
      const before = cursor === undefined ? null : fromCursor(cursor);
      // One more than asked for tells whether there is a next page.
      const documents = await listDocuments(database, limit + 1, before);
      const items = documents.slice(0, limit);
      const last = documents.length > limit ? items.at(-1) : undefined;
      const next_cursor = last === undefined ? null : toCursor(last.id);
      return c.json({ items: items.map(visibleDocument), next_cursor });
    },
  );

  api.on(
    {
      method: 'get',
      path: '/api/v1/documents/{id}',
      operationId: 'getDocument',
      summary: 'Look at a document',
      tag: TAG,
      role: 'viewer',
      answers: { 200: { description: 'The document', schema: document } },
    },
    async (c) => c.json(visibleDocument(await documentMeant(c, database))),
  );

  api.on(
    {
      method: 'get',
      path: '/api/v1/documents/{id}/text',
      operationId: 'getDocumentText',
      summary: 'Read the text of a document',
      description: 'As soon as it is transcribed. 409 before, and when it could not be.',
      tag: TAG,
      role: 'viewer',
      answers: { 200: { description: 'Its text', schema: z.string(), contentType: 'text/plain' } },
    },
    async (c) => {
      const found = await documentMeant(c, database);
      demandText(found);
      const text = await readText(database, found.id);
      if (text === undefined) throw noSuch('document', found.id); // Deleted since.
      return c.text(text, 200, { 'Content-Type': 'text/plain; charset=utf-8' });
    },
  );

  api.on(
    {
      method: 'delete',
      path: '/api/v1/documents/{id}',
      operationId: 'deleteDocument',
      summary: 'Delete a document and cancel its tasks',
      tag: TAG,
      role: 'operator',
      answers: { 200: { description: 'It is gone', schema: deleted } },
    },
    async (c) => {
      const { id } = await documentMeant(c, database);
      await deleteAndCancel(database, id, c.get('caller').actor);
      return c.json({ deleted: id });
    },
  );
}

const TAG = 'documents';

/** The document first, then its tasks: a transcription that ends right now locks them in this order, too. */
async function deleteAndCancel(database: pg.Pool, id: string, actor: string): Promise<void> {
  await transaction(database, async (client) => {
    const taskIds = await deleteDocument(client, id);
    if (taskIds === undefined) throw noSuch('document', id);
    await cancelByHand(client, taskIds, actor);
  });
}

/** The document that the address means. */
async function documentMeant(c: Context, database: Queryable): Promise<DocumentRow> {
  return existing(database, await idMeant(c, database, 'document'));
}

export async function existing(database: Queryable, id: string): Promise<DocumentRow> {
  const document = await findDocument(database, id);
  if (document === undefined) throw noSuch('document', id);
  return document;
}

/** 409 in both cases, told apart by the problem's type: the request is right, the document is not in the state for it. */
function demandText({ characters, status, error }: DocumentRow): void {
  if (characters !== null) return; // Whatever became of it afterwards.
  if (status === 'failed') {
    throw new Problem(409, 'document-failed', 'Document failed', `It has no text: ${error}.`);
  }
  throw new Problem(409, 'document-not-ready', 'Document not ready', `It has no text yet: it is ${status}.`, {
    headers: { 'Retry-After': '1' },
  });
}

/** What a client sees. What nobody knows yet is null. */
export function visibleDocument(row: DocumentRow) {
  return {
    id: row.id,
    title: row.title,
    media_type: row.media_type,
    bytes: row.bytes,
    sha256: row.sha256,
    status: row.status,
    pages: row.pages,
    characters: row.characters,
    chunks: row.chunks,
    embedding: {
      status: row.embedding_status,
      model: row.embedding_model,
      dimension: row.embedding_dimension,
      error: row.embedding_error,
    },
    error: row.error,
    created_at: row.created_at,
    task_ids: row.task_ids,
  };
}
