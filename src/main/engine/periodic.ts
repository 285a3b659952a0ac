import type { Queryable } from '../database/connect.ts';
import { RUN_PERIODIC, SET_PAUSED } from './sql/periodic.ts';

/*
 * What people do to a periodic task by hand. A name that is not known changes nothing: look at the periodic task
 * afterwards.
 */

/** Runs a periodic task now, besides its schedule and also when it is paused. @param actor who asks: `api:NAME` */
export async function runPeriodic(database: Queryable, name: string, actor: string): Promise<void> {
  await database.query({ name: 'run-periodic', text: RUN_PERIODIC, values: [name, actor] });
}

/** Lets no further slot be due until the periodic task is resumed. */
export async function pausePeriodic(database: Queryable, name: string): Promise<void> {
  await setPaused(database, name, true);
}

/** Takes up the schedule again. */
export async function resumePeriodic(database: Queryable, name: string): Promise<void> {
  await setPaused(database, name, false);
}

async function setPaused(database: Queryable, name: string, paused: boolean): Promise<void> {
  await database.query({ name: 'set-paused', text: SET_PAUSED, values: [name, paused] });
}
