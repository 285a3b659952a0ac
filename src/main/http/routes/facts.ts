import type { Queryable } from '../../database/connect.ts';
import { searchFacts } from '../../database/fact-search.ts';
import { createFact, deleteFact, findFact, updateFact } from '../../database/facts.ts';
import { orm } from '../../database/orm.ts';
import type { Operations } from '../contract/operations.ts';
import type { ApiParts } from '../parts.ts';
import { fingerprintOf, IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED, idempotent } from '../requests/idempotency.ts';
import { idMeant, noSuch } from '../requests/short-id.ts';
import { deleted } from '../schemas/common.ts';
import { fact, factChanges, factListQuery, factPage, newFact } from '../schemas/facts.ts';

/** Facts: keep, search, look at, change, delete. */
export function factRoutes(api: Operations, { database }: ApiParts): void {
  const reads = orm(database);

  api.on(
    {
      method: 'post',
      path: '/api/v1/facts',
      operationId: 'createFact',
      summary: 'Keep a fact',
      tag: TAG,
      role: 'operator',
      body: newFact,
      requestHeaders: { 'Idempotency-Key': IDEMPOTENCY_KEY },
      problems: [409],
      answers: {
        201: {
          description: 'The new fact',
          schema: fact,
          headers: { Location: 'Its address', 'Idempotent-Replayed': IDEMPOTENT_REPLAYED },
        },
      },
    },
    async (c, { body }) =>
      idempotent(
        c,
        { database, fingerprint: () => fingerprintOf(body) },
        async (client: Queryable = database) => {
          const created = await createFact(client, body);
          return { status: 201, body: created, location: `/api/v1/facts/${created.id}` };
        },
      ),
  );

  api.on(
    {
      method: 'get',
      path: '/api/v1/facts',
      operationId: 'listFacts',
      summary: 'List or search facts',
      description:
        'The newest first. With `q` those come first that have its words, the best match first (of more than 1,000 the newest 1,000), then the others. `total` is exact to 10,000. A `q` without three letters in a row is looked for, as a part, in the newest 50,000 facts only; as a word in all of them.',
      tag: TAG,
      role: 'viewer',
      query: factListQuery,
      answers: { 200: { description: 'A page of facts', schema: factPage } },
    },
    async (c, { query: { q, tag, limit, offset } }) => {
      const search = { q: q?.trim() ? q : undefined, tags: tag?.filter((name) => name !== '') };
      const { items, total, isEstimate } = await searchFacts(reads, search, { limit, offset });
      return c.json({ total, ...(isEstimate && { total_is_estimate: true }), items });
    },
  );

  api.on(
    {
      method: 'get',
      path: '/api/v1/facts/{id}',
      operationId: 'getFact',
      summary: 'Look at a fact',
      tag: TAG,
      role: 'viewer',
      answers: { 200: { description: 'The fact', schema: fact } },
    },
    async (c) => {
      const id = await idMeant(c, database, 'fact');
      const found = await findFact(database, id);
      if (found === undefined) throw noSuch('fact', id);
      return c.json(found);
    },
  );

  api.on(
    {
      method: 'patch',
      path: '/api/v1/facts/{id}',
      operationId: 'updateFact',
      summary: 'Change a fact',
      description:
        'What is given replaces what was there, as a whole; the rest stays. `updated_at` moves only when something changes.',
      tag: TAG,
      role: 'operator',
      body: factChanges,
      answers: { 200: { description: 'The fact as it is now', schema: fact } },
    },
    async (c, { body }) => {
      const id = await idMeant(c, database, 'fact');
      const updated = await updateFact(database, id, body);
      if (updated === undefined) throw noSuch('fact', id);
      return c.json(updated);
    },
  );

  api.on(
    {
      method: 'delete',
      path: '/api/v1/facts/{id}',
      operationId: 'deleteFact',
      summary: 'Delete a fact',
      tag: TAG,
      role: 'operator',
      answers: { 200: { description: 'It is gone', schema: deleted } },
    },
    async (c) => {
      const id = await idMeant(c, database, 'fact');
      if (!(await deleteFact(database, id))) throw noSuch('fact', id);
      return c.json({ deleted: id });
    },
  );
}

const TAG = 'facts';
