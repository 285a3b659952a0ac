import { z } from 'zod';
import { digits, id, nextCursor, timestamp } from './common.ts';

/** `GET /documents`. */
export const documentListQuery = z.object({
  limit: digits(1, 1000).default(50),
  cursor: z.string().optional().meta({ description: 'The next_cursor of the page before' }),
});

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
