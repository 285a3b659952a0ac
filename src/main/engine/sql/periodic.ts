import { CHANNEL_DUE } from './submit.ts';

/**
 * $1 the name, $2 whether it is to be paused. Then it has no next run; that it has none when it is resumed tells the
 * scheduler, which is woken, that nothing was missed.
 */
export const SET_PAUSED = `
with moved as (
  update periodic_tasks set paused = $2, next_run_at = case when not $2 then next_run_at end
  where name = $1
  returning name
),
notified as materialized (
  select pg_notify('${CHANNEL_DUE}', '0') from moved
)
select moved.name from moved left join notified on true`;

/**
 * $1 the name, $2 who asks. A task without a slot: the schedule does not know of it, and none of its ticks is used
 * up. Never retried, as every run of a periodic task.
 */
export const RUN_PERIODIC = `
with submitted as (
  insert into tasks (type, status, max_retries, submitted_by)
  select name, 'queued', 0, $2 from periodic_tasks where name = $1
  returning id
),
notified as materialized (
  select pg_notify('${CHANNEL_DUE}', '0') from submitted
)
select submitted.id from submitted left join notified on true`;
