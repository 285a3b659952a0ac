import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import { MEDIA_TYPES } from '../../../workers/shared/document-type.ts';
import { type Queryable, transaction } from '../../database/connect.ts';
import { beginFile, type IncomingFile } from '../../database/document-files.ts';
import { addTasks, makeDocument, type NewDocument } from '../../database/documents.ts';
import { SubmissionError } from '../../engine/submission-error.ts';
import { submit } from '../../engine/submit.ts';
import { TaskTypeCatalogue } from '../../engine/task-types.ts';
import { Streams, tooManyUploads } from '../access/streams.ts';
import { Problem } from '../answers/problem.ts';
import type { Operations } from '../contract/operations.ts';
import type { ApiParts } from '../parts.ts';
import { readBody } from '../requests/body.ts';
import {
  type Answer,
  fingerprintOf,
  IDEMPOTENCY_KEY,
  IDEMPOTENT_REPLAYED,
  idempotent,
} from '../requests/idempotency.ts';
import { isForm, receiveForm } from '../requests/upload.ts';
import { document, newTextDocument, newTextDocumentSchema } from '../schemas/documents.ts';
import { tellAccepted } from './accepted.ts';
import { existing, visibleDocument } from './documents.ts';

/**
 * A document comes in. Its file is stored while it does, in short statements; document, tasks and the claim on the file
 * are committed together in the end. Whatever goes wrong before that leaves nothing.
 */
export function uploadRoute(api: Operations, parts: ApiParts): void {
  const { config, observe } = parts;
  const uploads = new Streams(config.http.maxUploads, observe, 'upload_refused');

  api.on(
    {
      method: 'post',
      path: '/api/v1/documents',
      operationId: 'uploadDocument',
      summary: 'Upload a document, which is transcribed, cut into chunks and made searchable',
      description:
        'What the file is, is told by what is in it. `charset` says how a text is encoded; without it, that is found out. A text can also come as JSON.',
      tag: 'documents',
      role: 'operator',
      otherBody: {
        'multipart/form-data': {
          schema: {
            type: 'object',
            properties: {
              file: { type: 'string', contentMediaType: 'application/octet-stream' },
              charset: { type: 'string' },
            },
            required: ['file'],
          },
        },
        'application/json': { schema: newTextDocumentSchema },
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
      const release = uploads.take();
      if (release === null) throw tooManyUploads();
      try {
        return await receive(c, parts);
      } finally {
        release();
      }
    },
  );
}

async function receive(c: Context, { config, database, observe }: ApiParts): Promise<Response> {
  const { maxDocumentBytes, maxBodyBytes } = config.http;
  const text = isForm(c, maxDocumentBytes) ? undefined : await readBody(c, newTextDocument, maxBodyBytes);
  const file = await beginFile(database);
  let isClaimed = false;
  try {
    const received =
      text === undefined ? await receiveForm(c, file, maxDocumentBytes) : await receiveText(text, file);
    const { actor } = c.get('caller');
    let answer: Answer | undefined;
    const store = async (client: Queryable): Promise<Answer> => {
      answer = await storeAndSubmit(client, received, actor);
      return answer;
    };
    const committed = (): void => {
      isClaimed = answer?.status === 201;
      const submitted = TASKS.map((type) => ({ task: { type }, deduplicated: false }));
      if (isClaimed) tellAccepted(observe, submitted);
    };
    const options = { database, fingerprint: () => fingerprintOfUpload(received), committed };
    return await idempotent(c, options, async (client) => {
      if (client !== undefined) return store(client);
      const stored = await transaction(database, store);
      committed();
      return stored;
    });
  } finally {
    // Also what was there already. If even that fails, it is swept up.
    if (!isClaimed) await file.discard().catch(() => {});
  }
}

/** Makes a file of a text that came as JSON. */
async function receiveText(
  { title, text }: { title: string; text: string },
  file: IncomingFile,
): Promise<NewDocument> {
  const content = Buffer.from(text);
  await file.write(content);
  await file.end();
  const sha256 = createHash('sha256').update(content).digest('hex');
  const mediaType = MEDIA_TYPES.text;
  return { fileId: file.id, title, mediaType, charset: 'utf-8', bytes: content.length, sha256 };
}

/** What is done with a document, one after the other. */
const TASKS = ['transcribe-document', 'chunk-document', 'embed-document'] as const;

/**
 * Makes a document of its file and submits its tasks.
 * @param client in a transaction: there is no document that nobody works on, and no task without its document
 */
async function storeAndSubmit(client: Queryable, received: NewDocument, actor: string): Promise<Answer> {
  const { id, isNew } = await makeDocument(client, received);
  if (isNew) await addTasks(client, id, await submitTasks(client, id, actor));
  const body = visibleDocument(await existing(client, id));
  return isNew ? { status: 201, body, location: `/api/v1/documents/${id}` } : { status: 200, body };
}

/** @returns the tasks' ids in their order @throws Problem when no runner has published the task types yet */
async function submitTasks(client: Queryable, documentId: string, actor: string): Promise<string[]> {
  // It reads the types over this connection: uploads that each hold one and wait for another would starve the pool.
  const catalogue = new TaskTypeCatalogue(client);
  const submissions = TASKS.map((type, index) => ({
    type,
    params: { document_id: documentId },
    ...(index > 0 && { depends_on: [`#${index - 1}`] }),
  }));
  try {
    const submitted = await submit(client, catalogue, submissions, actor);
    return submitted.map(({ task }) => task.id);
  } catch (error) {
    if (!(error instanceof SubmissionError)) throw error;
    throw new Problem(503, 'not-ready', 'Not ready', 'No runner can transcribe documents yet.', {
      headers: { 'Retry-After': '5' },
    });
  }
}

/** By all that was given. */
function fingerprintOfUpload({ sha256, title, charset }: NewDocument): Buffer {
  return fingerprintOf([sha256, title, charset]);
}
