import type { Context } from 'hono';
import { orm } from '../../database/orm.ts';
import { findPeriodicTask, listPeriodicTasks } from '../../database/periodic-tasks.ts';
import { pausePeriodic, resumePeriodic, runPeriodic } from '../../engine/periodic.ts';
import { Problem } from '../answers/problem.ts';
import type { Operations } from '../contract/operations.ts';
import type { ApiParts } from '../parts.ts';
import { periodicTask, periodicTasks } from '../schemas/periodic-tasks.ts';

/** Periodic tasks: list, run now, pause, resume. */
export function periodicTaskRoutes(api: Operations, { database }: ApiParts): void {
  const reads = orm(database);

  api.on(
    {
      method: 'get',
      path: '/api/v1/periodic-tasks',
      operationId: 'listPeriodicTasks',
      summary: 'List what runs by itself, and when',
      tag: TAG,
      role: 'viewer',
      answers: { 200: { description: 'The periodic tasks, by name', schema: periodicTasks } },
    },
    async (c) => c.json({ items: await listPeriodicTasks(reads) }),
  );

  change('run', 'runPeriodicTask', 'Run a periodic task now, besides its schedule', (c) =>
    runPeriodic(database, nameOf(c), c.get('caller').actor),
  );
  change('pause', 'pausePeriodicTask', 'Pause a periodic task', (c) => pausePeriodic(database, nameOf(c)));
  change('resume', 'resumePeriodicTask', 'Resume a periodic task', (c) =>
    resumePeriodic(database, nameOf(c)),
  );

  function change(
    verb: string,
    operationId: string,
    summary: string,
    work: (c: Context) => Promise<unknown>,
  ): void {
    api.on(
      {
        method: 'post',
        path: `/api/v1/periodic-tasks/{name}/${verb}`,
        operationId,
        summary,
        tag: TAG,
        role: 'operator',
        answers: { 200: { description: 'The periodic task', schema: periodicTask } },
      },
      async (c) => {
        await work(c);
        return c.json(await existing(nameOf(c)));
      },
    );
  }

  async function existing(name: string) {
    const task = await findPeriodicTask(reads, name);
    if (task !== undefined) return task;
    throw new Problem(
      404,
      'periodic-task-not-found',
      'Periodic task not found',
      `There is no periodic task '${name}'.`,
    );
  }
}

const TAG = 'periodic tasks';

function nameOf(c: Context): string {
  return c.req.param('name') ?? '';
}
