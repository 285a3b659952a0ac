import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import { deleteMemory, findMemory, keepMemory, listMemories } from '../../database/agents/memories.ts';
import { deleteSession, findSession, keepSession, listSessions } from '../../database/agents/sessions.ts';
import type { Queryable } from '../../database/connect.ts';
import { orm } from '../../database/orm.ts';
import { Problem } from '../answers/problem.ts';
import type { Operation, Operations } from '../contract/operations.ts';
import type { ApiParts } from '../parts.ts';
import {
  type Answer,
  fingerprintOf,
  IDEMPOTENCY_KEY,
  IDEMPOTENT_REPLAYED,
  idempotent,
} from '../requests/idempotency.ts';
import {
  deletedByName,
  memory,
  memoryListQuery,
  memoryPage,
  newMemory,
  newSession,
  session,
  sessionListQuery,
  sessionPage,
} from '../schemas/agents.ts';

/** Sessions and memories of the agents that share this database. */
export function agentRoutes(api: Operations, parts: ApiParts): void {
  sessionRoutes(api, parts);
  memoryRoutes(api, parts);
}

function sessionRoutes(api: Operations, { database }: ApiParts): void {
  const reads = orm(database);

  api.on(
    {
      method: 'post',
      path: '/api/v1/sessions',
      operationId: 'keepSession',
      summary: "Keep an agent's session, new or in the place of the one with its id",
      body: newSession,
      ...keeping(session, 'session'),
    },
    async (c, { body }) =>
      idempotent(
        c,
        { database, fingerprint: () => fingerprintOf(body) },
        async (client: Queryable = database) => {
          const id = body.session_id ?? randomUUID();
          const kept = await keepSession(client, { ...body, session_id: id });
          if (kept === undefined) throw ofAnotherUser('session', id);
          return answerKept(`/api/v1/sessions/${encodeURIComponent(id)}`, kept.session, kept.isNew);
        },
      ),
  );

  api.on(
    {
      method: 'get',
      path: '/api/v1/sessions',
      operationId: 'listSessions',
      summary: 'List sessions, the newest first, without their runs',
      tag: TAG,
      role: 'viewer',
      query: sessionListQuery,
      answers: { 200: { description: 'A page of sessions', schema: sessionPage } },
    },
    async (c, { query: { limit, offset, ...filter } }) => {
      const { items, total, isEstimate } = await listSessions(reads, filter, { limit, offset });
      return c.json({ total, ...(isEstimate && { total_is_estimate: true }), items });
    },
  );

  api.on(
    {
      method: 'get',
      path: '/api/v1/sessions/{session_id}',
      operationId: 'getSession',
      summary: 'Look at a session',
      tag: TAG,
      role: 'viewer',
      answers: { 200: { description: 'The session', schema: session } },
    },
    async (c) => {
      const id = named(c, 'session_id');
      const found = await findSession(reads, id);
      if (found === undefined) throw noSuch('session', id);
      return c.json(found);
    },
  );

  api.on(
    {
      method: 'delete',
      path: '/api/v1/sessions/{session_id}',
      operationId: 'deleteSession',
      summary: 'Delete a session',
      tag: TAG,
      role: 'operator',
      answers: { 200: { description: 'It is gone', schema: deletedByName } },
    },
    async (c) => {
      const id = named(c, 'session_id');
      if (!(await deleteSession(database, id))) throw noSuch('session', id);
      return c.json({ deleted: id });
    },
  );
}

function memoryRoutes(api: Operations, { database }: ApiParts): void {
  const reads = orm(database);

  api.on(
    {
      method: 'post',
      path: '/api/v1/memories',
      operationId: 'keepMemory',
      summary: 'Keep a memory of an agent, new or in the place of the one with its id',
      body: newMemory,
      ...keeping(memory, 'memory'),
    },
    async (c, { body }) =>
      idempotent(
        c,
        { database, fingerprint: () => fingerprintOf(body) },
        async (client: Queryable = database) => {
          const id = body.memory_id ?? randomUUID();
          const kept = await keepMemory(client, { ...body, memory_id: id });
          if (kept === undefined) throw ofAnotherUser('memory', id);
          return answerKept(`/api/v1/memories/${encodeURIComponent(id)}`, kept.memory, kept.isNew);
        },
      ),
  );

  api.on(
    {
      method: 'get',
      path: '/api/v1/memories',
      operationId: 'listMemories',
      summary: 'List memories, the last changed first',
      tag: TAG,
      role: 'viewer',
      query: memoryListQuery,
      answers: { 200: { description: 'A page of memories', schema: memoryPage } },
    },
    async (c, { query: { limit, offset, topic, ...filter } }) => {
      const listed = await listMemories(reads, { ...filter, topics: topic }, { limit, offset });
      const { items, total, isEstimate } = listed;
      return c.json({ total, ...(isEstimate && { total_is_estimate: true }), items });
    },
  );

  api.on(
    {
      method: 'get',
      path: '/api/v1/memories/{memory_id}',
      operationId: 'getMemory',
      summary: 'Look at a memory',
      tag: TAG,
      role: 'viewer',
      answers: { 200: { description: 'The memory', schema: memory } },
    },
    async (c) => {
      const id = named(c, 'memory_id');
      const found = await findMemory(reads, id);
      if (found === undefined) throw noSuch('memory', id);
      return c.json(found);
    },
  );

  api.on(
    {
      method: 'delete',
      path: '/api/v1/memories/{memory_id}',
      operationId: 'deleteMemory',
      summary: 'Delete a memory',
      tag: TAG,
      role: 'operator',
      answers: { 200: { description: 'It is gone', schema: deletedByName } },
    },
    async (c) => {
      const id = named(c, 'memory_id');
      if (!(await deleteMemory(database, id))) throw noSuch('memory', id);
      return c.json({ deleted: id });
    },
  );
}

const TAG = 'agents';

/** What keeping either has in common. */
function keeping(schema: typeof session | typeof memory, thing: Thing) {
  const headers = { 'Idempotent-Replayed': IDEMPOTENT_REPLAYED };
  return {
    tag: TAG,
    role: 'operator',
    requestHeaders: { 'Idempotency-Key': IDEMPOTENCY_KEY },
    problems: [409],
    answers: {
      200: { description: `The ${thing}, which has replaced the one before`, schema, headers },
      201: { description: `The new ${thing}`, schema, headers: { Location: 'Its address', ...headers } },
    },
  } satisfies Partial<Operation>;
}

function answerKept(location: string, body: object, isNew: boolean): Answer {
  return isNew ? { status: 201, body, location } : { status: 200, body };
}

function named(c: Context, parameter: 'session_id' | 'memory_id'): string {
  return c.req.param(parameter) ?? '';
}

type Thing = 'session' | 'memory';

function noSuch(thing: Thing, id: string): Problem {
  const title = `${thing === 'session' ? 'Session' : 'Memory'} not found`;
  return new Problem(404, `${thing}-not-found`, title, `There is no ${thing} with the id '${id}'.`);
}

/** Agno's own rule: what belongs to a user is only replaced by that user's. */
function ofAnotherUser(thing: Thing, id: string): Problem {
  return new Problem(
    409,
    'belongs-to-another-user',
    'Belongs to another user',
    `There is a ${thing} with the id '${id}' that belongs to another user_id: it was not replaced.`,
  );
}
