import { RELEASED, release, unfinishedDependencies } from './dependencies.ts';
import { CHANNEL_CANCEL, CHANNEL_DUE } from './submit.ts';

/*
 * What people do to a task by hand. $1 is always the ids, $2 the actor, $3 the statuses that are meant, null for all.
 *
 * Run and cancel lock the rows before they look at the status: a claim or settle that is under way is waited for, and the
 * answer is about the state that is there afterwards. What changed by hand goes into task_events, because nothing
 * else will tell.
 */

/**
 * created, failed, cancelled → queued, with its retries anew; queued → due now; running and completed stay. So does
 * one whose unique key another unfinished task has, which does the same, and one with an unfinished dependency.
 */
export const RUN_BY_HAND = `
with before as materialized (
  select id, type, status, attempt, unique_key
  from tasks
  where id = any($1::uuid[]) and ($3::text[] is null or status = any($3))
  order by id
  for update
),
runnable as (
  select distinct on (type, coalesce(unique_key, id::text)) id, status
  from before b
  where status not in ('running', 'completed') and not exists (
    select from tasks o
    where o.type = b.type and o.unique_key = b.unique_key and o.id <> b.id and o.status in ('created', 'queued', 'running')
  ) and (b.status = 'queued' or not exists (${unfinishedDependencies('b.id')}))
  order by type, coalesce(unique_key, id::text), id
),
moved as (
  update tasks t
  set status = 'queued', run_at = now(), updated_at = now(), finished_at = null, started_at = null,
    cancel_requested_at = null, progress = null,
    error = case when b.status = 'queued' then t.error end,
    attempts_forgiven = case when b.status = 'queued' then t.attempts_forgiven else t.attempt end
  from runnable b
  where t.id = b.id
  returning t.id, b.status as from_status, t.attempt
),
noted as (
  insert into task_events (task_id, from_status, to_status, attempt, actor, detail)
  select id, from_status, 'queued', attempt, $2, 'run by hand' from moved
),
notified as materialized (
  select pg_notify('${CHANNEL_DUE}', '0') from (select from moved limit 1) as any_moved
)
select moved.id from moved left join notified on true`;

/**
 * created, queued → cancelled; running → its runner is told; finished ones stay.
 *
 * A running task keeps `t.status`, and is not given 'running' again: the checks of the table are first made with the row
 * as the snapshot has it, which has no claim yet when the claim was waited for.
 *
 * The notifications are counted in a condition: a left join with their count is a join that the planner removes, and
 * then nobody is told.
 */
export const CANCEL_BY_HAND = `
with before as materialized (
  select id, status, attempt
  from tasks
  where id = any($1::uuid[]) and ($3::text[] is null or status = any($3))
  order by id
  for update
),
moved as (
  update tasks t
  set cancel_requested_at = coalesce(t.cancel_requested_at, now()), updated_at = now(),
    status = case when b.status = 'running' then t.status else 'cancelled' end,
    finished_at = case when b.status = 'running' then null else now() end,
    error = case when b.status = 'running' then t.error else 'cancelled by ' || $2 end
  from before b
  where t.id = b.id and b.status in ('created', 'queued', 'running')
    and (b.status <> 'running' or t.cancel_requested_at is null)
  returning t.id, b.status as from_status, t.status as to_status, t.attempt, t.has_dependants
),
noted as (
  insert into task_events (task_id, from_status, to_status, attempt, actor, detail)
  select id, from_status, to_status, attempt, $2,
    case when to_status = 'running' then 'cancel requested' else 'cancelled by hand' end
  from moved
),
notified as materialized (
  select pg_notify('${CHANNEL_CANCEL}', id::text) from moved where to_status = 'running'
),
${release('moved', "to_status = 'cancelled'")}
select id from moved where (select count(*) from notified) >= 0 and ${RELEASED}`;

/** Finished ones only, that no unfinished task depends on. Both are looked at when the row is locked: so it stays. */
export const DELETE_BY_HAND = `
with locked as materialized (
  select id, has_dependants
  from tasks
  where id = any($1::uuid[]) and status in ('completed', 'failed', 'cancelled')
  order by id
  for update
)
delete from tasks
where id = any(array(select id from locked where not has_dependants or not heddle_is_waited_for(id)))
returning id`;
