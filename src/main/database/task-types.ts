import { asc, sql } from 'drizzle-orm';
import { taskTypes } from '../../../drizzle/schema/tasks.ts';
import type { Orm } from './orm.ts';
import { RUNNING_ITS_TASKS } from './runners.ts';

/** All published types by name, each with whether a live runner can run it. */
export async function listTaskTypes(orm: Orm) {
  return orm
    .select({
      name: taskTypes.name,
      kind: taskTypes.kind,
      description: taskTypes.description,
      emoji: taskTypes.emoji,
      payload_schema: taskTypes.payload_schema,
      timeout_seconds: taskTypes.timeout_seconds,
      max_retries: taskTypes.max_retries,
      retry: taskTypes.retry,
      batch_size: taskTypes.batch_size,
      deduplicate: taskTypes.deduplicate,
      runnable: sql<boolean>`exists (
        select from runners where ${taskTypes.name} = any(task_types) and ${RUNNING_ITS_TASKS})`,
    })
    .from(taskTypes)
    .orderBy(asc(taskTypes.name));
}
