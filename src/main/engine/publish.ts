import type pg from 'pg';
import { transaction } from '../database/connect.ts';
import { PUBLISH_SCHEDULES, PUBLISH_TYPES } from './sql/publish.ts';
import type { RunnableType } from './task-types.ts';

/** Publishes what this runner can run, for the API and for the scheduler. */
export async function publishTaskTypes(database: pg.Pool, types: readonly RunnableType[]): Promise<void> {
  const schedules = types.flatMap(({ name, schedule }) =>
    schedule === null
      ? []
      : [
          {
            name,
            schedule: schedule.every === null ? schedule.cron : `every ${schedule.every}`,
            timezone: schedule.timezone,
            missed: schedule.missed,
            overlap: schedule.overlap,
            run_on_start: schedule.runOnStart,
          },
        ],
  );
  await transaction(database, async (client) => {
    await client.query(PUBLISH_TYPES, [JSON.stringify(types)]);
    await client.query(PUBLISH_SCHEDULES, [JSON.stringify(schedules)]);
  });
}
