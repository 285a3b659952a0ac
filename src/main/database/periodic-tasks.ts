import { asc, eq } from 'drizzle-orm';
import { periodicTasks } from '../../../drizzle/schema/tasks.ts';
import type { Orm } from './orm.ts';

const VISIBLE = {
  name: periodicTasks.name,
  schedule: periodicTasks.schedule,
  timezone: periodicTasks.timezone,
  next_run_at: periodicTasks.next_run_at,
  last_run_at: periodicTasks.last_run_at,
  last_status: periodicTasks.last_status,
  last_duration_ms: periodicTasks.last_duration_ms,
  runs: periodicTasks.runs,
  failures: periodicTasks.failures,
  paused: periodicTasks.paused,
  missed: periodicTasks.missed,
  overlap: periodicTasks.overlap,
};

/** All periodic tasks by name. */
export async function listPeriodicTasks(orm: Orm) {
  return orm.select(VISIBLE).from(periodicTasks).orderBy(asc(periodicTasks.name));
}

/** The periodic task with this name, or undefined. */
export async function findPeriodicTask(orm: Orm, name: string) {
  const [task] = await orm.select(VISIBLE).from(periodicTasks).where(eq(periodicTasks.name, name));
  return task;
}
