/*
 * There is no index on finished_at: every settle would have to write to it. But ids sort by their creation, and what
 * was created after the cutoff cannot have finished before it: the ids below the cutoff's are walked in their order,
 * some at a time, and of those the expired ones are deleted. What is passed and stays is what was created before the
 * cutoff and is unfinished, finished late, kept for longer, of a type with another retention, or waited for.
 *
 * Rows that somebody has locked are left for the next time. A task that an unfinished one depends on stays.
 */

/** The most ids a statement walks, and so the most tasks it deletes. */
export const BATCH = 1000;

/** The most files a statement deletes. */
export const FILES_BATCH = 10;

/** Rounds are a minute apart. */
const SOON = '5 minutes';

const FINISHED = `('completed', 'failed', 'cancelled')`;

/** Holds for certain once the row is locked: the function looks anew. Most rows need not ask it. */
const NOT_WAITED_FOR = '(not has_dependants or not heddle_is_waited_for(id))';

/** What finished before is expired. */
const CUTOFF = 'now() - make_interval(secs => $2)';

/** The smallest id that a task created at the cutoff can have: 48 bits of milliseconds, the rest zero. */
const ID_AT_CUTOFF = `
  (lpad(to_hex((extract(epoch from ${CUTOFF}) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid`;

/**
 * Locks rows, looks at them once more, and deletes them: somebody may have run a task anew, or have submitted one that
 * depends on it.
 * @param expired their ids
 */
const deleted = (expired: string) => `
locked as materialized (
  select id, has_dependants from tasks
  where id = any(array(${expired})) and status in ${FINISHED}
  for update skip locked
),
deleted as (
  delete from tasks where id = any(array(select id from locked where ${NOT_WAITED_FOR})) returning id
)`;

const DELETE_EXPIRED = `
${deleted('select id from walked where expired')}
select (select id from walked order by id desc limit 1) as last, (select id from walked where soon order by id limit 1) as soon,
  (select count(*) from walked)::int as walked, (select count(*) from deleted)::int as deleted`;

/** Whether a type has this retention: it is one of $3, or, where $4 is false, none of them. */
const OF_TYPE = '(type = any($3::text[])) = $4';

/** Whether it is expired, and whether it soon will be: as what has just been reached, since it took a while to finish. */
const expiry = (finished: string): string => `
  ${finished} and finished_at < ${CUTOFF} as expired,
  ${finished} and finished_at >= ${CUTOFF} and finished_at < ${CUTOFF} + interval '${SOON}' as soon`;

/** $1 the id to go on from, $2 the retention in seconds, $3 and $4 of which types. Walks the primary key. */
export const PRUNE_COMPLETED = `
with walked as materialized (
  select id, ${expiry(`status = 'completed' and ${OF_TYPE}`)}
  from tasks
  where id >= $1 and id < ${ID_AT_CUTOFF}
  order by id
  limit ${BATCH}
),
${DELETE_EXPIRED}`;

/** The same for failed or cancelled ones. Walks the index tasks_ended_badly, one status of it. */
export const pruneEndedBadly = (status: 'failed' | 'cancelled') => `
with walked as materialized (
  select id, ${expiry(OF_TYPE)}
  from tasks
  where status = '${status}' and id >= $1 and id < ${ID_AT_CUTOFF}
  order by id
  limit ${BATCH}
),
${DELETE_EXPIRED}`;

/** The types that have a retention of their own; null is that of all others. */
export const RETENTIONS = `
select name, retention_completed_days as completed, retention_failed_days as failed
from task_types
where retention_completed_days is not null or retention_failed_days is not null
order by name`;

/** $1 a periodic type, $2 how many of its finished ticks stay. Walks the index tasks_slot from its latest slot. */
export const PRUNE_TICKS = `
with expired as materialized (
  select id from tasks
  where type = $1 and slot is not null and status in ${FINISHED} and ${NOT_WAITED_FOR}
    and slot <= (
      select slot from tasks
      where type = $1 and slot is not null and status in ${FINISHED}
      order by slot desc offset $2 limit 1)
  order by slot
  limit ${BATCH}
),
${deleted('select id from expired')}
select count(*)::int as deleted from deleted`;

export const PERIODIC_TYPES = 'select name from periodic_tasks order by name';

/**
 * Runners that stopped or died a day ago. One that still has tasks is left to the rescue, and one that counts as alive
 * to the election: all were seen a day ago when the clock has jumped by as much.
 */
export const PRUNE_RUNNERS = `
delete from runners r
where r.last_seen_at < now() - interval '24 hours' and r.status in ('stopped', 'lost')
  and not exists (select from tasks t where t.status = 'running' and t.runner_id = r.id)`;

/** Keys are remembered for a day: see `database/idempotency.ts`, which takes an older one for new. */
export const PRUNE_KEYS = `
with deleted as (
  delete from idempotency_keys
  where id = any(array(
    select id
    from idempotency_keys
    where created_at <= now() - interval '24 hours'
    order by created_at
    limit ${BATCH}
    for update skip locked
  ))
  returning id
)
select count(*)::int as deleted from deleted`;

/**
 * Files that no document has claimed within an hour: their API process died in the middle. A request has 120 s, and an
 * upload that goes on all the same finds its file gone and fails. Few at once: each may have hundreds of megabytes.
 */
export const PRUNE_FILES = `
with deleted as (
  delete from document_files
  where id = any(array(
    select id
    from document_files
    where document_id is null and created_at < now() - interval '1 hour'
    order by created_at
    limit ${FILES_BATCH}
    for update skip locked
  ))
  returning id
)
select count(*)::int as deleted from deleted`;

/** Statistics look back for an hour. Whoever looks at the table can look back for two days. */
export const PRUNE_MINUTES = "delete from attempt_minutes where began_at < now() - interval '2 days'";
