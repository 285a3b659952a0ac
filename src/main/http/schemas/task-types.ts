import { z } from 'zod';
import { json } from './common.ts';

const retry = z.discriminatedUnion('strategy', [
  z.object({ strategy: z.literal('cooldown'), seconds: z.number() }),
  z.object({
    strategy: z.literal('exponential'),
    seconds: z.number(),
    factor: z.number(),
    max_seconds: z.number(),
    jitter: z.boolean(),
  }),
]);

/** What can be submitted, and what runs by itself. */
export const taskTypes = z
  .object({
    items: z.array(
      z
        .object({
          name: z.string(),
          kind: z.enum(['database', 'periodic']),
          description: z.string().nullable(),
          emoji: z.string().nullable(),
          payload_schema: z.record(z.string(), json).meta({ description: 'JSON Schema of the params' }),
          timeout_seconds: z.number(),
          max_retries: z.int().min(0),
          retry,
          batch_size: z.int().nullable(),
          deduplicate: z.enum(['none', 'payload', 'function']),
          runnable: z.boolean().meta({ description: 'A live runner has it' }),
        })
        .meta({ id: 'TaskType' }),
    ),
  })
  .meta({ id: 'TaskTypes' });
