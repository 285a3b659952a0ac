import { afterEach, beforeEach } from 'node:test';
import type pg from 'pg';
import type { Queryable } from '../../src/main/database/connect.ts';
import { publishTaskTypes } from '../../src/main/engine/publish.ts';
import type { RunnableType } from '../../src/main/engine/task-types.ts';
import { Scheduler } from '../../src/main/leader/schedule.ts';
import { type CapturedEvents, captureEvents } from './capture-events.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { addRunnerRow, makeLeader } from './runner-row.ts';
import { waitFor } from './wait-for.ts';

/** For each test of the file a database, and schedulers that are stopped after it. */
export let captured: CapturedEvents;
let database: TestDatabase;
let leader: string;
let schedulers: Scheduler[];

beforeEach(async () => {
  database = await createTestDatabase();
  captured = captureEvents();
  leader = await addRunnerRow(database.pool());
  await makeLeader(database.pool(), leader);
  schedulers = [];
});
afterEach(async () => {
  await allStopped();
  await database.drop();
});

export function pool(): pg.Pool {
  return database.pool();
}

// biome-ignore lint/suspicious/noExplicitAny: rows of any statement
export type Row = any;

export function query(statement: string, values?: unknown[]) {
  return database.pool().query<Row>(statement, values);
}

export async function lead(types: RunnableType[], reason: 'start' | 'takeover'): Promise<[Scheduler]> {
  await published(types);
  return [start(types, reason)];
}

export function published(types: RunnableType[]): Promise<void> {
  return publishTaskTypes(database.pool(), types);
}

export function start(
  types: RunnableType[],
  reason: 'start' | 'takeover',
  on: Queryable = database.pool(),
): Scheduler {
  const scheduler = new Scheduler(leader, on, types, captured.observe);
  schedulers.push(scheduler);
  scheduler.start(reason);
  return scheduler;
}

/** Stops all schedulers. What they have done is told of by then: others can see it in the database before that. */
export async function allStopped(): Promise<void> {
  await Promise.all(schedulers.map((scheduler) => scheduler.stop()));
}

/** What the schedule is after it was planned anew. */
export async function planned(name: string, act: () => unknown): Promise<Row> {
  act();
  return waitFor(`a plan of ${name}`, async () => {
    const row = await schedule(name);
    return row.next_run_at > row.now && row;
  });
}

export async function schedule(name: string): Promise<Row> {
  const { rows } = await query('select *, now() from periodic_tasks where name = $1', [name]);
  return rows[0];
}

/** Leaves the schedule as a runner did that ended so many seconds ago. @returns its last slot */
export async function lastTicked(name: string, secondsAgo: number): Promise<Date> {
  const { rows } = await query(
    `update periodic_tasks
    set last_slot = date_trunc('milliseconds', now() - make_interval(secs => $2)), next_run_at = now()
    where name = $1
    returning last_slot`,
    [name, secondsAgo],
  );
  return rows[0].last_slot;
}

export async function unfinishedRun(type: string, status: string): Promise<void> {
  await query(
    'insert into tasks (type, status, claim_token, runner_id) values ($1, $2, 1, gen_random_uuid())',
    [type, status],
  );
}

export async function slotsOf(type: string): Promise<number[]> {
  const { rows } = await query('select slot from tasks where type = $1 and slot is not null order by slot', [
    type,
  ]);
  return rows.map((row) => +row.slot);
}

export async function now(): Promise<number> {
  return +(await query('select clock_timestamp() as now')).rows[0].now;
}
