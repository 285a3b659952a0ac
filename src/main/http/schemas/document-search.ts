import { z } from 'zod';
import { digits, id } from './common.ts';

const MOST_CHARACTERS = 1000;

/** `GET /documents/search`. */
export const documentSearchQuery = z.object({
  q: z
    .string('is missing: what to search for')
    .max(MOST_CHARACTERS, `must have at most ${MOST_CHARACTERS} characters`)
    .meta({ description: 'Words ("a phrase", -without, or), or a question' }),
  limit: digits(1, 100).default(10),
});

const chunk = {
  chunk: z.int().min(0).meta({ description: 'Counted from 0' }),
  start: z.int().min(0),
  end: z.int().min(0),
  page: z.int().min(1),
  text: z.string(),
};

/** `GET /documents/{id}/chunks`. */
export const documentChunks = z.object({ items: z.array(z.object(chunk)) }).meta({ id: 'DocumentChunks' });

/** What a search found. */
export const documentSearchPage = z
  .object({
    items: z.array(
      z.object({
        document_id: id,
        title: z.string(),
        ...chunk,
        score: z
          .number()
          .meta({ description: 'Higher is better. Only good for comparing within one answer' }),
      }),
    ),
    method: z.enum(['full_text', 'vector', 'hybrid']).meta({ description: 'By what it was found' }),
  })
  .meta({ id: 'DocumentSearchPage' });
