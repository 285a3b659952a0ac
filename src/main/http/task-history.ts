import { type Context, Hono } from 'hono';
import type { TaskError } from '../../../drizzle/schema/tasks.ts';
import { orm } from '../database/orm.ts';
import { type KeptHistory, readHistory, readLogs } from '../database/task-history.ts';
import { findTask } from '../database/tasks.ts';
import { attemptsOf, eventsOf } from '../engine/history.ts';
import type { ApiParts } from './parts.ts';
import { noSuchTask, taskId } from './task-id.ts';

/** What has happened to a task: its state changes, attempts and log. */
export function taskHistoryRoutes({ database }: ApiParts): Hono {
  const reads = orm(database);

  return new Hono()
    .get('/tasks/:id/events', async (c) => {
      const { task, attempts, byHand } = await history(c);
      return c.json({ items: eventsOf(task, attempts, byHand) });
    })
    .get('/tasks/:id/attempts', async (c) => {
      const { task, attempts } = await history(c);
      const items = attemptsOf(task, attempts);
      return c.json({ items: items.map((attempt) => ({ ...attempt, error: errorJson(attempt.error) })) });
    })
    .get('/tasks/:id/logs', async (c) => {
      const id = await taskId(c, database);
      const items = await readLogs(reads, id);
      if (items.length === 0 && (await findTask(reads, id)) === undefined) throw noSuchTask(id);
      return c.json({ items });
    });

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
