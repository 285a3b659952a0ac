import type { Queryable } from '../../src/main/database/connect.ts';
import { BEAT } from './load.ts';

/* What the database knows about a soak. Times are milliseconds since 1970, by its clock; claim tokens are few enough to be numbers. */

export interface TaskEnd {
  id: string;
  type: string;
  status: string;
  claim_token: number | null;
  slot: number | null;
  started_at: number | null;
  finished_at: number | null;
}

/** An attempt that was recorded: it did not complete its task. */
export interface RecordedAttempt {
  task_id: string;
  claim_token: number;
  outcome: string;
  started_at: number;
  finished_at: number;
  /** Of its runner, or null when that is not known. */
  pid: number | null;
}

/** What an attempt told by itself while it ran. */
export interface Sign {
  task_id: string;
  claim_token: number;
  phase: 'begin' | 'alive' | 'end';
  at: number;
}

/** A write that left a task completed, failed or cancelled. */
export interface Finish {
  task_id: string;
  status: string;
}

export interface Effect {
  task_id: string;
}

export interface Rows {
  tasks: TaskEnd[];
  attempts: RecordedAttempt[];
  signs: Sign[];
  finishes: Finish[];
  effects: Effect[];
}

/** Makes the tables that tasks write to, and has every end of a task noted. */
export async function prepareEvidence(database: Queryable): Promise<void> {
  await database.query(TABLES);
}

/** No keys: a second row is what is looked for. */
const TABLES = `
create table soak_signs (task_id uuid, claim_token int8, phase text, at timestamptz default clock_timestamp());
create table soak_effects (task_id uuid);
create table soak_finishes (task_id uuid, status text);
create function soak_note_finish() returns trigger language plpgsql as $$
begin
  insert into soak_finishes values (new.id, new.status);
  return null;
end $$;
create trigger soak_note_finish after update of status on tasks for each row
  when (new.status in ('completed', 'failed', 'cancelled')) execute function soak_note_finish()`;

export async function collectRows(database: Queryable): Promise<Rows> {
  const read = async <Row extends object>(statement: string) => (await database.query<Row>(statement)).rows;
  return {
    tasks: await read<TaskEnd>(TASKS),
    attempts: await read<RecordedAttempt>(ATTEMPTS),
    signs: await read<Sign>(SIGNS),
    finishes: await read<Finish>('select task_id, status from soak_finishes'),
    effects: await read<Effect>('select task_id from soak_effects'),
  };
}

const ms = (column: string) => `extract(epoch from ${column})::float8 * 1000`;

const TASKS = `
select id, type, status, claim_token::float8, ${ms('slot')} as slot, ${ms('started_at')} as started_at,
  ${ms('finished_at')} as finished_at
from tasks
order by id`;

const ATTEMPTS = `
select a.task_id, a.claim_token::float8, a.outcome, ${ms('a.started_at')} as started_at,
  ${ms('a.finished_at')} as finished_at, r.pid
from task_attempts a left join runners r on r.id = a.runner_id
order by a.claim_token`;

const SIGNS = `
select task_id, claim_token::float8, phase, ${ms('at')} as at
from soak_signs
order by at`;

/** How many tasks have not ended, by status. */
export async function countUnfinished(database: Queryable): Promise<Record<string, number>> {
  const { rows } = await database.query<{ status: string; count: number }>(UNFINISHED);
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
}

const UNFINISHED = `
select status, count(*)::int from tasks where status in ('created', 'queued', 'running') group by status`;

/** Whether every beat up to now has been submitted. */
export async function isBeatUpToDate(database: Queryable): Promise<boolean> {
  const { rowCount } = await database.query(UP_TO_DATE, [BEAT.type, BEAT.everyMs]);
  return rowCount === 1;
}

const UP_TO_DATE = `
select from periodic_tasks
where name = $1 and last_slot > clock_timestamp() - make_interval(secs => $2::float8 / 1000)`;

/** Ends the beat, as an operator would. */
export async function pauseBeat(database: Queryable): Promise<void> {
  await database.query('update periodic_tasks set paused = true where name = $1', [BEAT.type]);
}
