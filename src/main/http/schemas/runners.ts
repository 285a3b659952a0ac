import { z } from 'zod';
import { id, timestamp } from './common.ts';

const thread = z.object({
  id: z.int(),
  task_id: id.nullable(),
  task_type: z.string().nullable(),
  since: z.string().nullable(),
});

/** Stopped and lost ones are listed for 24 hours. */
export const runners = z
  .object({
    items: z.array(
      z
        .object({
          id,
          host: z.string(),
          pid: z.int(),
          version: z.string(),
          role: z.enum(['leader', 'standby', 'member']),
          status: z.enum(['active', 'standby', 'draining', 'degraded', 'stopped', 'lost']),
          started_at: timestamp,
          last_seen_at: timestamp,
          threads: z.array(thread),
        })
        .meta({ id: 'Runner' }),
    ),
  })
  .meta({ id: 'Runners' });
