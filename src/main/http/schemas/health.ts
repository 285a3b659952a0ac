import { z } from 'zod';

export const health = z
  .object({
    status: z.enum(['ok', 'degraded', 'unavailable', 'starting', 'draining']),
    version: z.string(),
    database: z.enum(['ok', 'away']),
    migrations: z.enum(['ok', 'pending', 'unknown']),
    runner: z.enum(['ok', 'none', 'unknown']),
  })
  .meta({ id: 'Health' });

export const liveness = z.object({ status: z.literal('ok'), version: z.string() }).meta({ id: 'Liveness' });
