import { endBackends } from './attempt.ts';
import { RELEASED, release } from './dependencies.ts';

const LOCKED_FOR = '2s';

/** What is found in pg_stat_activity by it is to be answered in time: see END_ABANDONED. */
const IN_TIME = '/* settle */';

/**
 * Not as the planner knows it: it would look for the tasks in the index of those that run, few by its statistics, and
 * full of entries that nobody has cleaned up yet. By their ids it is ten times as fast.
 */
const RUNNING = "t.status || '' = 'running'";

/**
 * True of every token, but the planner takes it for true of one in 200. So it expects one task, and looks each up by its
 * id: whatever size the table had when the statement was planned. Planned for many in a table that is small, it would
 * read all of it, again and again, until the statistics of a table that has grown reach it.
 */
const FEW = (token: string): string => `${token} + 0 = ${token}`;

/**
 * $1 the settlements, as a JSON array.
 *
 * Fenced by the claim token, and by what the decision was made from: when somebody asked for a cancel or raised
 * max_retries meanwhile, the row is left alone and decided anew (see REREAD). One statement for many tasks, with their
 * attempt records, the count of ticks, and what becomes of those that waited for them: all of it is told together or not
 * at all.
 *
 * A key that could not be computed (it is `''`) is computed anew before the next attempt.
 *
 * A lost attempt loses its token too: should its runner be alive after all, what that still has to say is stale. In any
 * other case a row that is no longer running under the same token says that this very settle was committed, and only
 * its answer got lost.
 *
 * A row that somebody keeps locked must not hold up all others: the statement fails (55P03) after a while. The setting
 * is made inside it, because it ends with it; on a connection of a pooler it would be left to the next client.
 */
export const SETTLE = `${IN_TIME} ${settle(`
ended as materialized (select given.* from patience, given)`)}`;

/**
 * The same for when it may take its time: what is locked is left alone, and so is a task that ends while somebody has
 * those locked that wait for it.
 */
export const SETTLE_PATIENTLY = settle(`
free as materialized (
  select t.id, t.has_dependants from given join tasks t using (id) for no key update of t skip locked
),
ended as materialized (
  select given.*
  from patience, given join free using (id)
  where not free.has_dependants or given.status = 'queued' or heddle_can_release(id, given.status)
)`);

/** The same in time: somewhat dearer than SETTLE, and so only for when there is a row that somebody keeps locked. */
export const SETTLE_UNLOCKED = `${IN_TIME} ${SETTLE_PATIENTLY}`;

function settle(ended: string): string {
  return `
with patience as materialized (select set_config('lock_timeout', '${LOCKED_FOR}', true)),
given as materialized (
  select * from jsonb_to_recordset($1::jsonb) as e(
    id uuid, token int8, max_retries int4, cancel_requested bool, status text, delay float8, back int4,
    result text, error text, outcome text, record jsonb, ran_ms float8, ago_ms float8, thread_id int4)
  where ${FEW('token')}
),${ended},
settled as (
  update tasks t
  set status = e.status,
    attempt = t.attempt - e.back,
    result = e.result::jsonb,
    error = e.error,
    run_at = case when e.status = 'queued' and e.delay > 0 then now() + make_interval(secs => e.delay) else t.run_at end,
    started_at = case when e.status = 'queued' then null else now() - make_interval(secs => (e.ago_ms + e.ran_ms) / 1000) end,
    last_run_at = now() - make_interval(secs => (e.ago_ms + e.ran_ms) / 1000),
    finished_at = case when e.status = 'queued' then null else now() - make_interval(secs => e.ago_ms / 1000) end,
    updated_at = now(),
    thread_id = e.thread_id,
    claim_token = case when e.outcome = 'lost' then null else t.claim_token end,
    concurrency_key = nullif(t.concurrency_key, '')
  from ended e
  where t.id = e.id and t.claim_token = e.token and ${RUNNING}
    and t.max_retries = e.max_retries and (t.cancel_requested_at is not null) = e.cancel_requested
  returning t.id, t.type, e.token as claim_token, t.attempt + e.back as attempt, t.runner_id, t.thread_id, t.status, t.last_run_at,
    t.has_dependants, e.outcome, e.record, e.ran_ms, now() - make_interval(secs => e.ago_ms / 1000) as ended_at
),
recorded as (
  insert into task_attempts (task_id, claim_token, attempt, runner_id, thread_id, started_at, finished_at, outcome, error, status_after)
  select id, claim_token, attempt, runner_id, thread_id, last_run_at, ended_at, outcome, record, status
  from settled
  where outcome is not null
),
counted as (
  update periodic_tasks p
  set runs = p.runs + s.runs, failures = p.failures + s.failures, last_run_at = s.last_run_at,
    last_status = s.last_status, last_duration_ms = s.last_duration_ms
  from (
    select type, count(*) as runs, count(*) filter (where status <> 'completed') as failures,
      max(last_run_at) as last_run_at, (array_agg(status order by last_run_at desc))[1] as last_status,
      (array_agg(ran_ms order by last_run_at desc))[1] as last_duration_ms
    from settled
    where status in ('completed', 'failed', 'cancelled')
    group by type
  ) s
  where p.name = s.type
),
${release('settled', "status in ('completed', 'failed', 'cancelled')")}
select claim_token from settled where ${RELEASED}`;
}

/**
 * What most settlements are, for two thirds of the price: tasks of types without a schedule that are completed, and have
 * nothing to record. All that is said of SETTLE holds, but for ticks and attempt records, of which there are none.
 *
 * $1 ids; $2 claim tokens; $3 max_retries; $4 results as JSON text; before how many seconds each $5 began and $6 ended;
 * $7 threads: arrays, which cost half of what JSON does. The planner does not see how long they are, or it would plan
 * anew each time, for as much as it costs to settle twenty. Returns how many were settled, and their tokens unless it was
 * all of them.
 */
export const SETTLE_COMPLETED = `${IN_TIME}
with columns as materialized (
  select $1::uuid[] as ids, $2::int8[] as tokens, $3::int4[] as max_retries, $4::text[] as results,
    $5::float8[] as began, $6::float8[] as ended, $7::int4[] as threads, set_config('lock_timeout', '${LOCKED_FOR}', true)
),
given as materialized (
  select e.id, e.token, e.max_retries, e.result::jsonb as result, e.thread_id,
    now() - make_interval(secs => e.began) as began_at, now() - make_interval(secs => e.ended) as ended_at
  from columns c, unnest(c.ids, c.tokens, c.max_retries, c.results, c.began, c.ended, c.threads)
    as e(id, token, max_retries, result, began, ended, thread_id)
  where ${FEW('e.token')}
),
settled as (
  update tasks t
  set status = 'completed', result = e.result, error = null, started_at = e.began_at, last_run_at = e.began_at,
    finished_at = e.ended_at, updated_at = now(), thread_id = e.thread_id, concurrency_key = nullif(t.concurrency_key, '')
  from given e
  where t.id = e.id and t.claim_token = e.token and ${RUNNING}
    and t.max_retries = e.max_retries and t.cancel_requested_at is null
  returning t.id, t.claim_token, t.has_dependants
),
${release('settled', 'true')}
select count(*)::int as count,
  case when count(*) < (select cardinality(ids) from columns) then coalesce(array_agg(claim_token::text), '{}') end as claim_tokens
from settled
where ${RELEASED}`;

/**
 * $1 after how many seconds an answer was no longer waited for. Ends settles of this runner that have run for that long:
 * they would go on with their rows locked, and which of these it is could not be found out. Nobody else's connections
 * have the name of this one.
 */
export const END_ABANDONED = endBackends(`
  application_name = current_setting('application_name') and starts_with(query, '${IN_TIME}') and state = 'active'
  and query_start < clock_timestamp() - make_interval(secs => $1)`);

/** Before SETTLE_PATIENTLY, in its transaction. */
export const WITHOUT_STATEMENT_TIMEOUT = 'set local statement_timeout = 0';

/** $1 ids of tasks that SETTLE left alone: what they are now tells why. */
export const REREAD = `
select id, claim_token, status, max_retries, cancel_requested_at is not null as cancel_requested
from tasks
where id = any($1::uuid[])`;

/** $1 ids, $2 claim tokens, $3 fractions, $4 messages: how far running attempts are. What somebody has locked is left out. */
export const PROGRESS = `
update tasks t
set progress = jsonb_build_object('fraction', p.fraction, 'message', p.message), updated_at = now()
from unnest($1::uuid[], $2::int8[], $3::float8[], $4::text[]) as p(id, token, fraction, message)
where t.claim_token = p.token and t.status = 'running' and t.id = p.id
  and t.id = any(array(select id from tasks where id = any($1::uuid[]) for no key update skip locked))`;

/**
 * $1 the lines, as a JSON array, in their order. Only those of the attempt that holds its task are kept, or has
 * completed it: a task that settles itself does so before its last lines are here.
 */
export const KEEP_LOG = keepLog('');

/** The same for when somebody keeps a task locked, so that no line can refer to it: the others are kept. */
export const KEEP_LOG_UNLOCKED = keepLog('for key share of t skip locked');

function keepLog(lock: string): string {
  return `
with patience as materialized (select set_config('lock_timeout', '${LOCKED_FOR}', true))
insert into task_logs (task_id, attempt, at, level, message, fields)
select t.id, t.attempt, to_timestamp(l.at_ms / 1000), l.level, l.message, l.fields
from patience
cross join rows from (jsonb_to_recordset($1::jsonb) as (
  task_id uuid, token int8, at_ms float8, level text, message text, fields jsonb
)) with ordinality as l(task_id, token, at_ms, level, message, fields, place)
join tasks t on t.id = l.task_id and t.claim_token = l.token and t.status in ('running', 'completed')
where ${FEW('l.token')}
order by l.place
${lock}`;
}
