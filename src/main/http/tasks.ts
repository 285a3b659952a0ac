import { type Context, Hono } from 'hono';
import { orm } from '../database/orm.ts';
import { countTasks, findTask, listTasks, type VisibleTask } from '../database/tasks.ts';
import { cancelByHand, deleteByHand, runByHand, SameWorkError } from '../engine/by-hand.ts';
import { atLeast } from './auth.ts';
import { fromCursor, toCursor } from './cursor.ts';
import type { AppParts } from './parts.ts';
import { Problem } from './problem.ts';
import { readQuery } from './query.ts';
import { taskListQuery } from './schemas.ts';
import { noSuchTask, taskId } from './task-id.ts';
import { waitAsPreferred } from './wait.ts';

/** Tasks that are there: list, look at, run, cancel, delete. */
export function taskRoutes({ database, finishes }: AppParts): Hono {
  const reads = orm(database);

  return new Hono()
    .get('/tasks', async (c) => {
      const { limit, cursor, offset, ...filter } = readQuery(c, taskListQuery, ['status']);
      const after = cursor === undefined ? undefined : fromCursor(cursor);
      const [tasks, { total, isEstimate }] = await Promise.all([
        // One more than asked for tells whether there is a next page.
        listTasks(reads, filter, { limit: limit + 1, after, offset }),
        countTasks(reads, filter),
      ]);
      const items = tasks.slice(0, limit);
      const last = tasks.length > limit ? items.at(-1) : undefined;
      const next_cursor = last === undefined ? null : toCursor(last.id);
      return c.json({ items, total, ...(isEstimate && { total_is_estimate: true }), next_cursor });
    })
    .get('/tasks/:id', async (c) => {
      const id = await taskId(c, database);
      const task = await existing(c, id);
      const hasWaited = await waitAsPreferred(c, finishes, task);
      return c.json(hasWaited ? await existing(c, id) : task);
    })
    .get('/tasks/:id/status', async (c) => {
      const { id, status, updated_at, error } = await existing(c, await taskId(c, database));
      return c.json({ id, status, updated_at, error });
    })
    .post('/tasks/:id/run', async (c) => {
      const id = await taskId(c, database);
      const changed = await runByHand(database, [id], c.get('caller').actor);
      const task = await existing(c, id);
      if (changed.length === 0 && task.status !== 'running' && task.status !== 'completed') {
        throw new SameWorkError('a task with the same unique key is not finished');
      }
      return c.json(task);
    })
    .post('/tasks/:id/cancel', async (c) => {
      const id = await taskId(c, database);
      await cancelByHand(database, [id], c.get('caller').actor);
      return c.json(await existing(c, id));
    })
    .delete('/tasks/:id', atLeast('admin'), async (c) => {
      const id = await taskId(c, database);
      const deleted = await deleteByHand(database, [id]);
      if (deleted.length === 0) throw unfinished(await existing(c, id));
      return c.json({ deleted: id });
    });

  async function existing(c: Context, id: string): Promise<VisibleTask> {
    const task = await findTask(reads, id);
    if (task === undefined) throw noSuchTask(c.req.param('id') ?? id);
    return task;
  }
}

function unfinished({ id, status }: VisibleTask): Problem {
  const detail = `Only finished tasks can be deleted; '${id}' is ${status}. Cancel it first.`;
  return new Problem(409, 'task-not-finished', 'Task not finished', detail);
}
