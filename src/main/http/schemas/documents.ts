import { z } from 'zod';
import { isStorable } from '../../database/storable.ts';
import { digits, id, nextCursor, timestamp } from './common.ts';

/** `GET /documents`. */
export const documentListQuery = z.object({
  limit: digits(1, 1000).default(50),
  cursor: z.string().optional().meta({ description: 'The next_cursor of the page before' }),
});

/** `POST /documents` with a text and not a file. */
export const newTextDocument = z
  .strictObject({
    title: storable().refine((title) => [...title].length <= 200, 'must have at most 200 characters'),
    text: storable(),
  })
  .meta({ id: 'NewTextDocument' });

/** The same for the API's document: the route reads it by itself. */
export const newTextDocumentSchema = {
  type: 'object',
  properties: {
    title: { type: 'string', minLength: 1, maxLength: 200 },
    text: { type: 'string', minLength: 1 },
  },
  required: ['title', 'text'],
  additionalProperties: false,
};

export const document = z
  .object({
    id,
    title: z.string(),
    media_type: z.string(),
    bytes: z.int().min(0),
    sha256: z.string().regex(/^[\da-f]{64}$/),
    status: z.enum(['queued', 'transcribing', 'chunking', 'embedding', 'ready', 'failed']),
    pages: z.int().nullable(),
    characters: z.int().nullable(),
    chunks: z.int().nullable(),
    embedding: z.object({
      status: z.enum(['none', 'pending', 'done', 'failed']),
      model: z.string().nullable(),
      dimension: z.int().nullable(),
      error: z.string().nullable(),
    }),
    error: z.string().nullable(),
    created_at: timestamp,
    task_ids: z.array(id),
  })
  .meta({ id: 'Document' });

export const documentPage = z
  .object({ items: z.array(document), next_cursor: nextCursor })
  .meta({ id: 'DocumentPage' });

function storable() {
  return z
    .string()
    .min(1, 'must not be empty')
    .refine(isStorable, 'holds a NUL character or half of a surrogate pair, which PostgreSQL cannot keep');
}
