import { CHANNEL_DUE } from '../../engine/sql/submit.ts';
import { leads } from './elect.ts';

/**
 * $1 the types of this runner; $2 as many waiting ticks as are counted. What there is to schedule, and where it stands: the table's schedules, because another
 * runner may have published newer ones, and also those of types that only another live runner has. Times are cut to
 * milliseconds, which is what slots are made of.
 *
 * Periodic types have no limits: their tasks are all in the index tasks_ready, whose condition has to be spelled out.
 *
 * One statement serves every look. What only a due schedule needs, the ticks that wait and the latest tick, stands in
 * a `case`, and so costs nothing while there is none.
 */
export const SCHEDULES = `
with clock as materialized (select date_trunc('milliseconds', clock_timestamp()) as now)
select p.name, p.schedule, p.timezone, p.missed, p.overlap, p.run_on_start, p.paused, clock.now,
  date_trunc('milliseconds', p.last_slot) as last_slot, date_trunc('milliseconds', p.next_run_at) as next_run_at,
  case when p.schedule ~ '^every +[0-9.]+ +(second|minute|hour|day)s? *$'
    then round(extract(epoch from substr(p.schedule, 6)::interval) * 1000)::float8 end as every_ms,
  case when p.next_run_at is null or p.next_run_at <= clock.now then (
    select count(*)::int from (select from tasks t
    where t.status = 'queued' and t.concurrency_key is null and t.type = p.name limit $2) q) else 0 end as waiting,
  case when p.last_slot is null then date_trunc('milliseconds', greatest(p.last_run_at, (
    select max(slot) from tasks t where t.type = p.name and t.slot is not null))) end as last_tick
from periodic_tasks p, clock
where p.name = any($1) or exists (
  select from runners r
  where p.name = any(r.task_types) and r.status = 'active'
    and r.last_seen_at > clock.now - make_interval(secs => r.lease_seconds))
order by p.name`;

/**
 * $1 the name; $2 schedule, $3 time zone, $4 last slot that the plan was made from; $5 last slot and $6 next run from
 * now on; $7 the slots to submit; $8 whether they are skipped while a task of the type is unfinished; $9 this runner, which has to
 * lead.
 *
 * One statement instead of a row lock that is held while planning: a runner that freezes in between holds up nobody,
 * and where the row is not what was planned from (edited, paused, or another leader was quicker) nothing happens at
 * all. Each slot is submitted once even so: the index tasks_slot sees to that.
 */
export const SUBMIT_TICKS = `
with moved as (
  update periodic_tasks set last_slot = $5, next_run_at = $6
  where name = $1 and schedule = $2 and timezone = $3 and not paused
    and date_trunc('milliseconds', last_slot) is not distinct from $4::timestamptz and ${leads('$9')}
  returning name
),
last_run as materialized (
  select exists (select from tasks where status = 'queued' and concurrency_key is null and type = $1)
    or exists (select from tasks where status = 'running' and type = $1) as goes_on
),
submitted as (
  insert into tasks (type, status, run_at, slot, max_retries, submitted_by)
  select moved.name, 'queued', due.slot, due.slot, 0, 'scheduler'
  from moved cross join unnest($7::timestamptz[]) as due(slot)
  where not $8 or not (select goes_on from last_run)
  order by due.slot
  on conflict (type, slot) where slot is not null do nothing
  returning slot
),
notified as materialized (
  select pg_notify('${CHANNEL_DUE}', '0') from (select from submitted limit 1) as any_submitted
)
select (select count(*) from moved) = 1 as moved, (select goes_on from last_run) as goes_on,
  array(select slot from submitted) as submitted, (select count(pg_notify) from notified) as notified`;

/** $1 the name: a paused schedule has no next run. That there is none tells, later on, that it was paused. */
export const HOLD = `update periodic_tasks set next_run_at = null where name = $1 and paused`;
