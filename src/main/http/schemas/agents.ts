import { z } from 'zod';
import { anyObject } from '../../engine/submission.ts';
import { digits, json } from './common.ts';
import { characters, demandStorable } from './texts.ts';

/* Sessions and memories, with Agno's columns. Ids are whatever an agent has chosen; times are epoch seconds. */

const MOST_NAME_CHARACTERS = 255;

const name = characters(MOST_NAME_CHARACTERS);
const someName = name.nullish().transform(orNull);
const someText = z.string().nullish().transform(orNull);
const someObject = anyObject.nullish().transform(orNull);
const ownId = name
  .nullish()
  .transform(orNull)
  .meta({ description: 'Chosen by the agent; a UUID is made where there is none' });

const sessionType = z.enum(['agent', 'team', 'workflow']);

/** `POST /sessions`. */
export const newSession = z
  .strictObject({
    session_id: ownId,
    session_type: sessionType,
    agent_id: someName,
    team_id: someName,
    workflow_id: someName,
    user_id: someName,
    session_data: someObject,
    agent_data: someObject,
    team_data: someObject,
    workflow_data: someObject,
    metadata: someObject,
    runs: z.array(anyObject).nullish().transform(orNull),
    summary: someObject,
  })
  .superRefine(demandStorable)
  .meta({ id: 'NewSession' });

/** `POST /memories`. */
export const newMemory = z
  .strictObject({
    memory_id: ownId,
    memory: z.union([z.string(), anyObject], 'must be a text or an object'),
    feedback: someText,
    input: someText,
    agent_id: someName,
    team_id: someName,
    user_id: someName,
    topics: z.array(name).nullish().transform(orNull),
  })
  .superRefine(demandStorable)
  .meta({ id: 'NewMemory' });

const page = {
  limit: digits(1, 1000).default(50),
  offset: digits(0, Number.MAX_SAFE_INTEGER).default(0),
};
const given = z.string().optional();

/** `GET /sessions`. */
export const sessionListQuery = z.object({
  session_type: sessionType.optional(),
  agent_id: given,
  team_id: given,
  workflow_id: given,
  user_id: given,
  ...page,
});

/** `GET /memories`. */
export const memoryListQuery = z.object({
  user_id: given,
  agent_id: given,
  team_id: given,
  topic: z.array(z.string()).optional().meta({ description: 'Each of them must be there' }),
  ...page,
});

const epochSeconds = z.int().meta({ description: 'Epoch seconds' });
const columns = {
  agent_id: z.string().nullable(),
  team_id: z.string().nullable(),
  user_id: z.string().nullable(),
  created_at: epochSeconds,
  updated_at: epochSeconds.nullable(),
};

const summary = z.object({
  session_id: z.string(),
  session_type: z.string(),
  ...columns,
  workflow_id: z.string().nullable(),
  session_data: json,
  agent_data: json,
  team_data: json,
  workflow_data: json,
  metadata: json,
  summary: json,
});

export const session = summary.extend({ runs: json }).meta({ id: 'Session' });

export const memory = z
  .object({
    memory_id: z.string(),
    memory: json,
    feedback: z.string().nullable(),
    input: z.string().nullable(),
    topics: json,
    ...columns,
  })
  .meta({ id: 'Memory' });

const total = { total: z.int().min(0), total_is_estimate: z.literal(true).optional() };

export const sessionPage = z
  .object({ ...total, items: z.array(summary.meta({ id: 'SessionSummary' })) })
  .meta({ id: 'SessionPage' });

export const memoryPage = z.object({ ...total, items: z.array(memory) }).meta({ id: 'MemoryPage' });

/** What was deleted, by an id that need not be a UUID. */
export const deletedByName = z.object({ deleted: z.string() }).meta({ id: 'DeletedByName' });

function orNull<T>(value: T | null | undefined): T | null {
  return value ?? null;
}
