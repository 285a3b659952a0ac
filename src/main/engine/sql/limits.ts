import { CHANNEL_DUE } from './submit.ts';

/*
 * What types with limits need besides their claim. That they have keys decides which index their queued tasks are in:
 * `tasks_ready` without, `tasks_ready_keyed` with.
 */

/**
 * $1 the types that have room, each with whether it has limits: which of them have something due, the one with the most
 * urgent task first; of types with limits, whether any task still needs its keys. All types without limits count as one,
 * named null: they are claimed together.
 *
 * It looks at no more than the first task in each of two indexes: also a task that has to wait for a slot counts.
 */
export const FIND_DUE = `
with heads as (
  select w.type, w.limited, w.tick, h.priority, h.run_at, h.id, h.keyless
  from jsonb_to_recordset($1::jsonb) as w(type text, limited bool, tick bool)
  cross join lateral (
    (
      select priority, run_at, id, true as keyless
      from tasks
      where status = 'queued' and concurrency_key is null and type = w.type and run_at <= now()
      order by priority, run_at, id
      limit 1
    )
    union all
    (
      select priority, run_at, id, false
      from tasks
      where status = 'queued' and concurrency_key is not null and type = w.type and run_at <= now() and w.limited
      order by priority, run_at, id
      limit 1
    )
  ) h
)
select case when limited then type end as type, bool_or(keyless) as keyless
from heads
group by 1
order by bool_and(not tick), min(array[priority, extract(epoch from run_at)]), min(id::text)`;

/**
 * $1 a type: its due tasks that need keys, the most urgent first, as many as have $2 characters of params together, or
 * one.
 */
export const FIND_KEYLESS = `
select id, params
from (
  select id, params, sum(length(params)) over (order by priority, run_at, id) as so_far,
    row_number() over (order by priority, run_at, id) as place
  from (
    select id, params::text as params, priority, run_at
    from tasks
    where status = 'queued' and concurrency_key is null and type = $1 and run_at <= now()
    order by priority, run_at, id
    limit $3
  ) first
) measured
where place = 1 or so_far <= $2
order by place`;

/**
 * $1 ids, $2 concurrency keys, $3 rate keys. What somebody has claimed, cancelled or given keys to meanwhile is left
 * alone, and so is what is locked. Nothing else of the task changes: nobody has run it.
 */
export const GIVE_KEYS = `
update tasks t
set concurrency_key = k.concurrency_key, rate_key = k.rate_key
from unnest($1::uuid[], $2::text[], $3::text[]) as k(id, concurrency_key, rate_key)
where t.id = k.id and t.id = any(array(
  select id from tasks
  where id = any($1::uuid[]) and status = 'queued' and concurrency_key is null
  for no key update skip locked))`;

/**
 * $1 types that this runner knows to be without limits: takes the keys from tasks that got them when there were some,
 * for only tasks without keys are claimed there.
 *
 * In the order of `tasks_ready_keyed`, so that this index is taken, in which there are none: without an order, and with
 * statistics from when little was queued, all that is queued was read.
 */
export const TAKE_KEYS = `
update tasks
set concurrency_key = null, rate_key = null
where id = any(array(
  select t.id
  from unnest($1::text[]) as w(type)
  cross join lateral (
    select id from tasks
    where status = 'queued' and concurrency_key is not null and type = w.type
    order by priority, run_at, id
    limit 1000
  ) t
))`;

/** $1 a type with a rate limit: in how many milliseconds the next start leaves a window, or null. */
export const NEXT_START = `
select extract(epoch from min(until) - clock_timestamp())::float8 * 1000 as in_ms
from task_starts
where type = $1 and until > clock_timestamp()`;

/**
 * $1 types, $2 rate keys, $3 claim tokens, $4 windows in seconds: attempts that have begun. What was reserved for them
 * counts from now on until their window has passed. It began before this statement did: it counts for a little longer
 * than it has to, and that is what makes the limit hold.
 *
 * Those that leave the window at about the same time share a row, to a thousandth of the window: so there are some
 * thousand rows to sum up, however many starts the window allows. In order, so that two runners cannot wait for each other.
 */
export const NOTE_STARTS = `
with begun as (
  select * from unnest($1::text[], $2::text[], $3::int8[], $4::float8[]) as b(type, rate_key, claim_token, seconds)
),
kept as (
  select b.*, to_timestamp(ceil(extract(epoch from clock_timestamp())::float8 / (seconds / 1000)) * (seconds / 1000) + seconds) as until
  from begun b
),
unreserved as (
  delete from task_starts s
  using begun b
  where s.type = b.type and s.rate_key = b.rate_key and s.claim_token = b.claim_token
)
insert into task_starts as s (type, rate_key, until, claim_token, starts)
select type, rate_key, until, 0, count(*)
from kept
group by type, rate_key, until
order by type, rate_key, until
on conflict (type, rate_key, until, claim_token) do update set starts = s.starts + excluded.starts`;

/** Starts that no window has any more. */
export const PRUNE_STARTS = `delete from task_starts where until < now()`;

/** Tells all runners that there may be a free slot. */
export const NOTIFY_FREE = `select pg_notify('${CHANNEL_DUE}', '0')`;
