import type { Context } from 'hono';
import type { TaskError } from '../../../../drizzle/schema/tasks.ts';
import { orm } from '../../database/orm.ts';
import { type KeptHistory, readHistory } from '../../database/task-history.ts';
import { attemptsOf, eventsOf } from '../../engine/history.ts';
import type { Operations } from '../contract/operations.ts';
import type { ApiParts } from '../parts.ts';
import { noSuchTask, taskId } from '../requests/task-id.ts';
import { attempts, stateChanges } from '../schemas/tasks.ts';

/** What has happened to a task: its state changes and attempts. */
export function taskHistoryRoutes(api: Operations, { database }: ApiParts): void {
  const reads = orm(database);

  api.on(
    {
      method: 'get',
      path: '/api/v1/tasks/{id}/events',
      operationId: 'listTaskEvents',
      summary: 'List every state change of a task and who made it, the oldest first',
      tag: 'tasks',
      role: 'viewer',
      answers: { 200: { description: 'Its state changes', schema: stateChanges } },
    },
    async (c) => {
      const { task, attempts, byHand } = await history(c);
      return c.json({ items: eventsOf(task, attempts, byHand) });
    },
  );

  api.on(
    {
      method: 'get',
      path: '/api/v1/tasks/{id}/attempts',
      operationId: 'listTaskAttempts',
      summary: 'List the attempts of a task, the oldest first',
      tag: 'tasks',
      role: 'viewer',
      answers: { 200: { description: 'Its attempts', schema: attempts } },
    },
    async (c) => {
      const { task, attempts } = await history(c);
      const items = attemptsOf(task, attempts);
      return c.json({ items: items.map((attempt) => ({ ...attempt, error: errorJson(attempt.error) })) });
    },
  );

  async function history(c: Context): Promise<KeptHistory> {
    const id = await taskId(c, database);
    const kept = await readHistory(reads, id);
    if (kept === undefined) throw noSuchTask(id);
    return kept;
  }
}

/** All five fields, also those that were not kept. */
function errorJson(error: TaskError | null | undefined): object | null {
  if (error == null) return null;
  const { name, message, stack = null, code = null, cause } = error;
  return { name, message, stack, code, cause: errorJson(cause) };
}
