import { orm } from '../../database/orm.ts';
import { listRunners } from '../../database/runners.ts';
import type { Operations } from '../contract/operations.ts';
import type { ApiParts } from '../parts.ts';
import { runners } from '../schemas/runners.ts';

/** `GET /runners`. */
export function runnerRoutes(api: Operations, { database }: ApiParts): void {
  const reads = orm(database);

  api.on(
    {
      method: 'get',
      path: '/api/v1/runners',
      operationId: 'listRunners',
      summary: 'List runners and what their threads do, the latest started first',
      tag: 'runners',
      role: 'viewer',
      answers: { 200: { description: 'The runners', schema: runners } },
    },
    async (c) => c.json({ items: await listRunners(reads) }),
  );
}
