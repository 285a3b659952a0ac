import { z } from 'zod';
import { timestamp } from './common.ts';

export const periodicTask = z
  .object({
    name: z.string(),
    schedule: z.string(),
    timezone: z.string(),
    next_run_at: timestamp.nullable(),
    last_run_at: timestamp.nullable(),
    last_status: z.string().nullable(),
    last_duration_ms: z.number().nullable(),
    runs: z.int().min(0),
    failures: z.int().min(0),
    paused: z.boolean(),
    missed: z.enum(['skip', 'once', 'all']),
    overlap: z.enum(['skip', 'queue']),
  })
  .meta({ id: 'PeriodicTask' });

export const periodicTasks = z.object({ items: z.array(periodicTask) }).meta({ id: 'PeriodicTasks' });
