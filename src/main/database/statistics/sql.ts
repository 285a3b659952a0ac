/*
 * Each of these reads a bounded number of index entries, however large the table is: some tens of thousands at most, a
 * few milliseconds. What is counted has an order that only its index has: without, the planner may well read the table
 * instead, until it has found enough.
 */

/**
 * $1 how many entries are counted, about.
 *
 * The indexes tasks_ready and tasks_ready_keyed are in the order of type, priority and time; each has the tasks that the
 * other leaves out. Which types and priorities there are is found by one probe each; for each, what is due and what is not
 * yet are two ranges that are counted up to their share of $1. The first entry of a range that is due is the one that has
 * waited longest. A type that is known is there also when nothing of it is queued.
 */
export const QUEUE = `
with recursive ${linesOf('plain', 'concurrency_key is null')},
${linesOf('keyed', 'concurrency_key is not null')},
share as materialized (
  select greatest($1::int / greatest((select count(*) from plain) + (select count(*) from keyed), 1), 100)::int as most
),
counted as (
  ${countsOf('plain', 'concurrency_key is null')}
  union all
  ${countsOf('keyed', 'concurrency_key is not null')}
  union all
  select name, null, 0, 0 from task_types
)
select type, sum(ready)::float8 as ready, sum(scheduled)::float8 as scheduled,
  extract(epoch from now() - min(run_at) filter (where run_at <= now()))::float8 as oldest_ready_age_seconds,
  exists (select from task_types k where k.name = type) as is_known,
  bool_or(ready = most) as ready_is_cut, bool_or(scheduled = most) as scheduled_is_cut
from counted
cross join share
group by type
order by type`;

function linesOf(name: string, indexed: string): string {
  return `${name}_walk as (
  (select type, priority, run_at from tasks where status = 'queued' and ${indexed}
    order by type, priority, run_at limit 1)
  union all
  select next.*
  from ${name}_walk walk
  cross join lateral (
    select type, priority, run_at from tasks
    where status = 'queued' and ${indexed} and (type, priority) > (walk.type, walk.priority)
    order by type, priority, run_at limit 1
  ) next
),
${name} as materialized (select * from ${name}_walk limit 1000)`;
}

function countsOf(lines: string, indexed: string): string {
  return `select l.type, l.run_at, due.ready, later.scheduled
  from ${lines} l
  cross join lateral (
    select count(*) as ready from (
      select from tasks t
      where t.status = 'queued' and t.${indexed} and t.type = l.type and t.priority = l.priority and t.run_at <= now()
      order by t.run_at limit (select most from share)) due
  ) due
  cross join lateral (
    select count(*) as scheduled from (
      select from tasks t
      where t.status = 'queued' and t.${indexed} and t.type = l.type and t.priority = l.priority and t.run_at > now()
      order by t.run_at limit (select most from share)) later
  ) later`;
}

/** Whether the table is so small that all of it can be counted, and $1 in pages of 8 kB. */
export const IS_SMALL = `select pg_relation_size('tasks') <= $1::int8 * 8192 as is_small`;

/** Every task, by type and status. */
export const COUNT_ALL = 'select type, status, count(*)::float8 as count from tasks group by type, status';

/** $1 the most of each: how many there are of every status but for queued and completed, by type. */
export const COUNT_BY_STATUS = `
select status, type, count(*)::float8 as count, sum(count(*)) over (partition by status) >= $1 as is_cut
from (
  (select status, type from tasks where status = 'created' order by id limit $1)
  union all (select status, type from tasks where status = 'running' limit $1)
) unfinished
group by status, type
union all
select status, null, count(*)::float8, count(*) >= $1
from (
  (select status from tasks where status = 'failed' order by id limit $1)
  union all (select status from tasks where status = 'cancelled' order by id limit $1)
) ended_badly
group by status`;

/**
 * $1 how many entries are counted, about: how many finished tasks each type has. Which types there are is found by one
 * probe each in the index tasks_finished_by_type.
 */
export const COUNT_FINISHED_BY_TYPE = `
with recursive walk as (
  (select type from tasks where status in ('completed', 'failed', 'cancelled') order by type limit 1)
  union all
  select (
    select type from tasks
    where status in ('completed', 'failed', 'cancelled') and type > walk.type
    order by type limit 1)
  from walk
  where walk.type is not null
),
types as materialized (select type from walk where type is not null limit 1000),
share as materialized (select greatest($1::int / greatest(count(*), 1), 100)::int as most from types)
select type, counted.count::float8 as count, counted.count = most as is_cut
from types
cross join share
cross join lateral (
  select count(*) as count from (
    select from tasks t
    where t.type = types.type and t.status in ('completed', 'failed', 'cancelled')
    order by t.id limit (select most from share)) some_of_it
) counted`;

/** How many rows the planner takes the table to have: by its size now, and what it knew of it when it last looked. */
export const EXPECTED_ROWS = 'explain (format json) select from tasks';

/**
 * Whether there was an ANALYZE, whether a good part of the table has changed since; and $1 pages as a part of the table,
 * in percent.
 */
export const STALENESS = `
select reltuples >= 0 as is_analyzed, reltuples < 0 or pg_stat_get_mod_since_analyze(oid) > 1000 + reltuples * 0.02 as is_stale,
  least(100, 100.0 * $1 * 8192 / greatest(pg_relation_size(oid), 1))::float8 as percent
from pg_class
where oid = 'tasks'::regclass`;

/** How common each status and each type is, as ANALYZE found it. Rare ones are left out. */
export const SHARES_OF_ANALYZE = `
select s.attname as column, each.value, each.share::float8 as share
from pg_stats s
join pg_class c on c.oid = 'tasks'::regclass and c.relname = s.tablename
join pg_namespace n on n.oid = c.relnamespace and n.nspname = s.schemaname
cross join unnest(s.most_common_vals::text::text[], s.most_common_freqs) as each(value, share)
where s.attname in ('status', 'type')`;

/**
 * The same, and how common what is ready and what is scheduled of each type is, of some pages of the table as it is:
 * $1 percent of them, always the same ones, so that the answer does not jitter.
 */
export const SHARES_OF_SAMPLE = `
with sampled as materialized (
  select type, status, run_at <= now() as is_due from tasks tablesample system ($1) repeatable (1)
)
select case when grouping(is_due) = 0 then case when is_due then 'ready' else 'scheduled' end
    when grouping(type) = 0 then 'type' else 'status' end as column,
  coalesce(type, status) as value, count(*)::float8 / (select count(*) from sampled) as share,
  (select count(*) from sampled)::float8 as sampled
from sampled
group by grouping sets ((type), (status), (type, status, is_due))
having grouping(is_due) = 1 or status = 'queued'`;

/** What became of the attempts of the last hour. */
export const LAST_HOUR = `
select coalesce(sum(completed), 0)::float8 as completed, coalesce(sum(failed), 0)::float8 as failed,
  coalesce(sum(retried), 0)::float8 as retried
from attempt_minutes
where began_at > now() - interval '1 hour'`;

/** Wait and run times of the last hour: how many fell into which bucket. */
export const LAST_HOUR_BUCKETS = `
select duration, bucket::int as bucket, sum(count::float8) as count
from attempt_minutes
cross join lateral (values ('wait', wait_ms), ('run', run_ms)) as durations(duration, counts)
cross join lateral jsonb_each_text(counts) as each(bucket, count)
where began_at > now() - interval '1 hour'
group by duration, bucket`;

/**
 * Transactions of this database but for this one, which others may be younger than. Whose they are not allowed to be seen,
 * and so do not count.
 */
export const UPKEEP = `
select greatest(0, (
    select extract(epoch from now() - min(xact_start)) from pg_stat_activity
    where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
  ))::float8 as oldest_transaction_age_seconds,
  pg_stat_get_dead_tuples('tasks'::regclass)::float8 as dead_tuples`;
