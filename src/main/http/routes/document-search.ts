import { embedderOf } from '../../../workers/shared/embeddings/embedder.ts';
import { listChunks } from '../../database/document-chunks.ts';
import { type DocumentRow, findDocument } from '../../database/documents.ts';
import { QueryEmbedder } from '../../search/query-embedder.ts';
import { searchDocuments } from '../../search/search-documents.ts';
import { Problem } from '../answers/problem.ts';
import type { Operations } from '../contract/operations.ts';
import type { ApiParts } from '../parts.ts';
import { badParameter } from '../requests/query.ts';
import { idMeant, noSuch } from '../requests/short-id.ts';
import { documentChunks, documentSearchPage, documentSearchQuery } from '../schemas/document-search.ts';

/** Documents: search them, and look at their chunks. Before `/documents/{id}`, whose pattern has both. */
export function documentSearchRoutes(api: Operations, { config, database, observe }: ApiParts): void {
  const { embeddings } = config.documents;
  const embedder = embeddings === null ? null : new QueryEmbedder(embedderOf(embeddings), observe);

  api.on(
    {
      method: 'get',
      path: '/api/v1/documents/search',
      operationId: 'searchDocuments',
      summary: 'Search the texts of all documents',
      description:
        'Finds chunks by their words, and by what they mean where embeddings are configured; both rankings become one by reciprocal rank fusion. `method` tells how it was found: without embeddings, or while their endpoint does not answer, it is `full_text`.',
      tag: TAG,
      role: 'viewer',
      query: documentSearchQuery,
      answers: { 200: { description: 'The chunks that match best', schema: documentSearchPage } },
    },
    async (c, { query: { q, limit } }) => {
      if (q.trim() === '') throw badParameter('the parameter q must not be blank');
      const { items, method } = await searchDocuments(database, embedder, q, limit);
      return c.json({ items: items.map(({ id: _, ...item }) => item), method });
    },
  );

  api.on(
    {
      method: 'get',
      path: '/api/v1/documents/{id}/chunks',
      operationId: 'listDocumentChunks',
      summary: 'List the chunks of a document',
      description:
        'In their order. `start` and `end` are offsets into its text, in UTF-16 units. 409 while it is not cut into chunks, and when it could not be.',
      tag: TAG,
      role: 'viewer',
      answers: { 200: { description: 'Its chunks', schema: documentChunks } },
    },
    async (c) => {
      const id = await idMeant(c, database, 'document');
      const document = await findDocument(database, id);
      if (document === undefined) throw noSuch('document', id);
      demandChunks(document);
      return c.json({ items: await listChunks(database, id) });
    },
  );
}

const TAG = 'documents';

/** 409 in both cases, as of its text. */
function demandChunks({ chunks, status, error }: DocumentRow): void {
  if (chunks !== null) return;
  if (status === 'failed') {
    throw new Problem(409, 'document-failed', 'Document failed', `It has no chunks: ${error}.`);
  }
  throw new Problem(
    409,
    'document-not-ready',
    'Document not ready',
    `It has no chunks yet: it is ${status}.`,
    { headers: { 'Retry-After': '1' } },
  );
}
