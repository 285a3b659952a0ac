import type { Context } from 'hono';
import type pg from 'pg';
import { z } from 'zod';
import { type Queryable, transaction } from '../../database/connect.ts';
import {
  addTask,
  type DocumentRow,
  deleteDocument,
  findDocument,
  listDocuments,
  type NewDocument,
  readText,
  sha256Of,
  storeDocument,
} from '../../database/documents.ts';
import { cancelByHand } from '../../engine/by-hand.ts';
import { SubmissionError } from '../../engine/submission-error.ts';
import { type Submitted, submit } from '../../engine/submit.ts';
import { TaskTypeCatalogue } from '../../engine/task-types.ts';
import { Problem } from '../answers/problem.ts';
import type { Operations } from '../contract/operations.ts';
import type { ApiParts } from '../parts.ts';
import { fromCursor, toCursor } from '../requests/cursor.ts';
import {
  type Answer,
  fingerprintOf,
  IDEMPOTENCY_KEY,
  IDEMPOTENT_REPLAYED,
  idempotent,
} from '../requests/idempotency.ts';
import { idMeant, noSuch } from '../requests/short-id.ts';
import { limitUpload, readUpload } from '../requests/upload.ts';
import { deleted } from '../schemas/common.ts';
import { document, documentListQuery, documentPage } from '../schemas/documents.ts';
import { tellAccepted } from './accepted.ts';

/** Documents: upload, list, look at, read, delete. */
export function documentRoutes(api: Operations, { config, database, observe }: ApiParts): void {
  const { maxDocumentBytes } = config.http;

  api.on(
    {
      method: 'post',
      path: '/api/v1/documents',
      operationId: 'uploadDocument',
      summary: 'Upload a document, which is transcribed',
      tag: TAG,
      role: 'operator',
      middleware: limitUpload(maxDocumentBytes),
      otherBody: {
        'multipart/form-data': {
          schema: {
            type: 'object',
            properties: { file: { type: 'string', contentMediaType: 'application/octet-stream' } },
            required: ['file'],
          },
        },
      },
      requestHeaders: { 'Idempotency-Key': IDEMPOTENCY_KEY },
      problems: [409],
      answers: {
        200: {
          description: 'The same bytes were there already: that document',
          schema: document,
          headers: { 'Idempotent-Replayed': IDEMPOTENT_REPLAYED },
        },
        201: {
          description: 'The new document',
          schema: document,
          headers: { Location: 'Its address', 'Idempotent-Replayed': IDEMPOTENT_REPLAYED },
        },
      },
    },
    async (c) => {
      const upload = await readUpload(c, maxDocumentBytes);
      const { actor } = c.get('caller');
      let answer: Answer | undefined;
      const store = async (client: Queryable): Promise<Answer> => {
        answer = await storeAndSubmit(client, upload, actor);
        return answer;
      };
      const committed = (): void => {
        if (answer?.status === 201)
          tellAccepted(observe, [{ task: { type: TRANSCRIPTION }, deduplicated: false }]);
      };
      const options = { database, fingerprint: () => fingerprintOfUpload(upload), committed };
      return idempotent(c, options, async (client) => {
        if (client !== undefined) return store(client);
        const stored = await transaction(database, store);
        committed();
        return stored;
      });
    },
  );

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
      description: '409 while it is not transcribed, and when it could not be.',
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

const TRANSCRIPTION = 'transcribe-document';

/**
 * Stores a file and submits its transcription.
 * @param client in a transaction: there is no document that nobody works on, and no task without its document
 */
async function storeAndSubmit(client: Queryable, upload: NewDocument, actor: string): Promise<Answer> {
  const { id, isNew } = await storeDocument(client, upload);
  if (isNew) await addTask(client, id, await submitTranscription(client, id, actor));
  const body = visibleDocument(await existing(client, id));
  return isNew ? { status: 201, body, location: `/api/v1/documents/${id}` } : { status: 200, body };
}

/** @returns the task's id @throws Problem when no runner has published the task type yet */
async function submitTranscription(client: Queryable, documentId: string, actor: string): Promise<string> {
  // It reads the types over this connection: uploads that each hold one and wait for another would starve the pool.
  const catalogue = new TaskTypeCatalogue(client);
  const submission = { type: TRANSCRIPTION, params: { document_id: documentId } };
  try {
    const [submitted] = await submit(client, catalogue, [submission], actor);
    return (submitted as Submitted).task.id;
  } catch (error) {
    if (!(error instanceof SubmissionError)) throw error;
    throw new Problem(503, 'not-ready', 'Not ready', 'No runner can transcribe documents yet.', {
      headers: { 'Retry-After': '5' },
    });
  }
}

/** The document first, then its tasks: a transcription that ends right now locks them in this order, too. */
async function deleteAndCancel(database: pg.Pool, id: string, actor: string): Promise<void> {
  await transaction(database, async (client) => {
    const taskIds = await deleteDocument(client, id);
    if (taskIds === undefined) throw noSuch('document', id);
    await cancelByHand(client, taskIds, actor);
  });
}

/** By its bytes and its name. */
async function fingerprintOfUpload({ content, title }: NewDocument): Promise<Buffer> {
  return fingerprintOf([await sha256Of(content), title]);
}

/** The document that the address means. */
async function documentMeant(c: Context, database: Queryable): Promise<DocumentRow> {
  return existing(database, await idMeant(c, database, 'document'));
}

async function existing(database: Queryable, id: string): Promise<DocumentRow> {
  const document = await findDocument(database, id);
  if (document === undefined) throw noSuch('document', id);
  return document;
}

/** 409 in both cases, told apart by the problem's type: the request is right, the document is not in the state for it. */
function demandText({ status, error }: DocumentRow): void {
  if (status === 'ready') return;
  if (status === 'failed') {
    throw new Problem(409, 'document-failed', 'Document failed', `It has no text: ${error}.`);
  }
  throw new Problem(409, 'document-not-ready', 'Document not ready', `It has no text yet: it is ${status}.`, {
    headers: { 'Retry-After': '1' },
  });
}

/** What a client sees. What nobody knows yet is null. */
function visibleDocument(row: DocumentRow) {
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
