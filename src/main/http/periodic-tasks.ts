import { type Context, Hono } from 'hono';
import { orm } from '../database/orm.ts';
import { findPeriodicTask, listPeriodicTasks } from '../database/periodic-tasks.ts';
import { pausePeriodic, resumePeriodic, runPeriodic } from '../engine/periodic.ts';
import type { ApiParts } from './parts.ts';
import { Problem } from './problem.ts';

/** Periodic tasks: list, run now, pause, resume. */
export function periodicTaskRoutes({ database }: ApiParts): Hono {
  const reads = orm(database);

  return new Hono()
    .get('/periodic-tasks', async (c) => c.json({ items: await listPeriodicTasks(reads) }))
    .post('/periodic-tasks/:name/run', async (c) => {
      await runPeriodic(database, c.req.param('name'), c.get('caller').actor);
      return periodicTask(c);
    })
    .post('/periodic-tasks/:name/pause', async (c) => {
      await pausePeriodic(database, c.req.param('name'));
      return periodicTask(c);
    })
    .post('/periodic-tasks/:name/resume', async (c) => {
      await resumePeriodic(database, c.req.param('name'));
      return periodicTask(c);
    });

  async function periodicTask(c: Context): Promise<Response> {
    const name = c.req.param('name') ?? '';
    const task = await findPeriodicTask(reads, name);
    if (task !== undefined) return c.json(task);
    throw new Problem(
      404,
      'periodic-task-not-found',
      'Periodic task not found',
      `There is no periodic task '${name}'.`,
    );
  }
}
