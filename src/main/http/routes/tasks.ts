import type { Context } from 'hono';
import type { Queryable } from '../../database/connect.ts';
import { orm } from '../../database/orm.ts';
import { listTasks } from '../../database/task-list.ts';
import { taskFinder, type VisibleTask } from '../../database/tasks.ts';
import {
  cancelByHand,
  deleteByHand,
  runByHand,
  SameWorkError,
  unfinishedDependencies,
} from '../../engine/by-hand.ts';
import { isFinished } from '../../engine/task.ts';
import { Problem } from '../answers/problem.ts';
import { respondJson } from '../answers/respond.ts';
import { hideSecrets } from '../answers/secret-params.ts';
import type { Operations } from '../contract/operations.ts';
import type { AppParts } from '../parts.ts';
import { fromCursor, toCursor } from '../requests/cursor.ts';
import { noSuchTask, taskId } from '../requests/task-id.ts';
import { PREFER_WAIT, PREFERENCE_APPLIED, waitAsPreferred } from '../requests/wait.ts';
import { deleted } from '../schemas/common.ts';
import { task, taskListQuery, taskPage, taskStatus } from '../schemas/tasks.ts';

/** Tasks that are there: list, look at, run, cancel, delete. */
export function taskRoutes(api: Operations, { database, finishes, catalogue }: AppParts): void {
  const reads = orm(database);
  const findTask = taskFinder(reads);

  api.on(
    {
      method: 'get',
      path: '/api/v1/tasks',
      operationId: 'listTasks',
      summary: 'List tasks, the newest first',
      description:
        'No task is skipped or repeated while others are added. With `q`, a page may have fewer tasks than its limit, or none, and still a `next_cursor`: 10,000 tasks are looked at for a page.',
      tag: 'tasks',
      role: 'viewer',
      query: taskListQuery,
      answers: { 200: { description: 'A page of tasks', schema: taskPage } },
    },
    async (c, { query: { limit, cursor, offset, ...filter } }) => {
      const after = cursor === undefined ? undefined : fromCursor(cursor);
      const listed = await listTasks(reads, filter, { limit, after, offset });
      const { tasks, next, total, isEstimate } = listed;
      const next_cursor = next === null ? null : toCursor(next);
      const types = await catalogue.find([]);
      const items = tasks.map((one) => hideSecrets(one, types));
      return respondJson(c, { items, total, ...(isEstimate && { total_is_estimate: true }), next_cursor });
    },
  );

  api.on(
    {
      method: 'get',
      path: '/api/v1/tasks/{id}',
      operationId: 'getTask',
      summary: 'Look at a task',
      tag: 'tasks',
      role: 'viewer',
      requestHeaders: { Prefer: PREFER_WAIT },
      answers: {
        200: { description: 'The task', schema: task, headers: { 'Preference-Applied': PREFERENCE_APPLIED } },
      },
    },
    async (c) => {
      const id = await taskId(c, database);
      const found = await existing(c, id);
      const hasWaited = await waitAsPreferred(c, finishes, found);
      return respondJson(c, hasWaited ? await existing(c, id) : found);
    },
  );

  api.on(
    {
      method: 'get',
      path: '/api/v1/tasks/{id}/status',
      operationId: 'getTaskStatus',
      summary: 'Look at the status of a task',
      tag: 'tasks',
      role: 'viewer',
      answers: { 200: { description: 'Its status', schema: taskStatus } },
    },
    async (c) => {
      const { id, status, updated_at, error } = await existing(c, await taskId(c, database));
      return respondJson(c, { id, status, updated_at, error });
    },
  );

  api.on(
    {
      method: 'post',
      path: '/api/v1/tasks/{id}/run',
      operationId: 'runTask',
      summary: 'Run a task now',
      description:
        'One that is created, failed or cancelled is queued, with its retries anew; a queued one is due now; a running or completed one stays as it is. One that depends on an unfinished task cannot be run.',
      tag: 'tasks',
      role: 'operator',
      answers: { 200: { description: 'The task', schema: task } },
    },
    async (c) => {
      const id = await taskId(c, database);
      const changed = await runByHand(database, [id], c.get('caller').actor);
      const found = await existing(c, id);
      if (changed.length === 0 && found.status !== 'running' && found.status !== 'completed') {
        throw await whyNotRun(database, id);
      }
      return respondJson(c, found);
    },
  );

  api.on(
    {
      method: 'post',
      path: '/api/v1/tasks/{id}/cancel',
      operationId: 'cancelTask',
      summary: 'Cancel a task',
      description:
        'One that waits is cancelled at once; one that runs has `cancel_requested_at`, and is cancelled within 2 seconds; a finished one stays as it is. Those that depend on it are cancelled with it, unless they run all the same.',
      tag: 'tasks',
      role: 'operator',
      answers: { 200: { description: 'The task', schema: task } },
    },
    async (c) => {
      const id = await taskId(c, database);
      await cancelByHand(database, [id], c.get('caller').actor);
      return respondJson(c, await existing(c, id));
    },
  );

  api.on(
    {
      method: 'delete',
      path: '/api/v1/tasks/{id}',
      operationId: 'deleteTask',
      summary: 'Delete a finished task, with its history',
      description: 'Not while an unfinished task depends on it.',
      tag: 'tasks',
      role: 'admin',
      answers: { 200: { description: 'It is gone', schema: deleted } },
    },
    async (c) => {
      const id = await taskId(c, database);
      const gone = await deleteByHand(database, [id]);
      if (gone.length === 0) throw whyNotDeleted(await existing(c, id));
      return respondJson(c, { deleted: id });
    },
  );

  async function existing(c: Context, id: string): Promise<VisibleTask> {
    const found = await findTask(id);
    if (found === undefined) throw noSuchTask(c.req.param('id') ?? id);
    return hideSecrets(found, await catalogue.find([]));
  }
}

async function whyNotRun(database: Queryable, id: string): Promise<Error> {
  const unfinished = await unfinishedDependencies(database, id);
  const [first] = unfinished;
  if (first === undefined) return new SameWorkError('a task with the same unique key is not finished');
  const others = unfinished.length === 1 ? '' : `, and on ${unfinished.length - 1} more that have not ended`;
  const detail = `'${id}' depends on '${first.id}', which is ${first.status}${others}.`;
  return new Problem(409, 'open-dependencies', 'Open dependencies', detail);
}

function whyNotDeleted({ id, status }: VisibleTask): Problem {
  if (isFinished(status)) {
    const detail = `An unfinished task depends on '${id}'. Cancel that one first.`;
    return new Problem(409, 'task-waited-for', 'Task waited for', detail);
  }
  const detail = `Only finished tasks can be deleted; '${id}' is ${status}. Cancel it first.`;
  return new Problem(409, 'task-not-finished', 'Task not finished', detail);
}
