import { Hono } from 'hono';
import { orm } from '../database/orm.ts';
import { listRunners } from '../database/runners.ts';
import type { ApiParts } from './parts.ts';

/** `GET /runners`. */
export function runnerRoutes({ database }: ApiParts): Hono {
  const reads = orm(database);

  return new Hono().get('/runners', async (c) => c.json({ items: await listRunners(reads) }));
}
