import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { anyObject } from '../../engine/submission.ts';
import { digits, id, json, timestamp } from './common.ts';
import { characters, demandStorable } from './texts.ts';

const MOST_CHARACTERS = 100_000;
const MOST_TAGS = 100;
const MOST_TAG_CHARACTERS = 255;

const text = characters(MOST_CHARACTERS);
const tags = z
  .array(characters(MOST_TAG_CHARACTERS))
  .max(MOST_TAGS, `must have at most ${MOST_TAGS} tags`)
  .meta({ description: 'One that is there twice is kept once' });
const metadata = {
  meta_data: anyObject.nullish(),
  metadata: anyObject
    .nullish()
    .meta({ description: 'The same as meta_data, under the name that some clients give it' }),
};

/** `POST /facts`. */
export const newFact = z
  .strictObject({
    text,
    tags: tags.nullish(),
    ...metadata,
    produced_by_task_id: z
      .guid('must be a UUID')
      .nullish()
      .meta({ description: 'The task that found it out. Not looked up: tasks are pruned, facts are not' }),
  })
  .superRefine(demandStorable)
  .superRefine(demandOneMetadata)
  .transform(({ text, tags, produced_by_task_id, ...given }) => ({
    text,
    tags: once(tags ?? []),
    meta_data: given.meta_data ?? given.metadata ?? {},
    produced_by_task_id: produced_by_task_id ?? null,
  }))
  .meta({ id: 'NewFact' });

/** `PATCH /facts/{id}`. */
export const factChanges = z
  .strictObject({ text: text.optional(), tags: tags.nullish(), ...metadata })
  .superRefine(demandStorable)
  .superRefine(demandOneMetadata)
  .transform(({ text, tags, ...given }) => ({
    text,
    tags: tags && once(tags),
    meta_data: given.meta_data ?? given.metadata,
  }))
  .meta({ id: 'FactChanges' });

/** `GET /facts`. Unknown parameters are not looked at. */
export const factListQuery = z.object({
  q: z.string().optional().meta({
    description:
      'Words ("a phrase", -without, or), or any part of the text or of the metadata, in upper or lower case',
  }),
  tag: z.array(z.string()).optional().meta({ description: 'Each of them must be there' }),
  limit: digits(1, 1000).default(100),
  offset: digits(0, Number.MAX_SAFE_INTEGER).default(0),
});

/** A fact as callers see it. */
export const fact = z
  .object({
    id,
    text: z.string(),
    tags: z.array(z.string()),
    meta_data: z.record(z.string(), json),
    created_at: timestamp,
    updated_at: timestamp,
    produced_by_task_id: id.nullable(),
  })
  .meta({ id: 'Fact' });

export const factPage = z
  .object({ total: z.int().min(0), total_is_estimate: z.literal(true).optional(), items: z.array(fact) })
  .meta({ id: 'FactPage' });

function demandOneMetadata(
  { meta_data, metadata }: { meta_data?: unknown; metadata?: unknown },
  context: z.RefinementCtx,
): void {
  if (meta_data === undefined || meta_data === null || metadata === undefined || metadata === null) return;
  if (isDeepStrictEqual(meta_data, metadata)) return;
  context.addIssue({
    code: 'custom',
    path: ['metadata'],
    message: 'is another name of meta_data, and differs from it',
  });
}

function once(values: readonly string[]): string[] {
  return [...new Set(values)];
}
