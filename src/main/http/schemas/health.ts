import { z } from 'zod';

export const health = z
  .object({
    status: z.enum(['ok', 'degraded', 'unavailable', 'starting', 'draining']),
    version: z.string(),
    database: z.enum(['ok', 'away']),
    migrations: z.enum(['ok', 'pending', 'unknown']),
    runner: z.enum(['ok', 'none', 'unknown']),
    vectors: z.enum(['pgvector', 'sql', 'none', 'unknown']).meta({
      description:
        'By what embeddings are compared: an index of pgvector, or SQL; none without EMBEDDINGS_URL',
    }),
  })
  .meta({ id: 'Health' });

export const liveness = z.object({ status: z.literal('ok'), version: z.string() }).meta({ id: 'Liveness' });
