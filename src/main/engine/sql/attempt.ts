/**
 * Ends backends, all at once, and then waits up to five seconds for them together: one after the other, the time of two
 * that do not end would be longer than the answer is waited for, and the statement would be repeated for ever.
 */
export const endBackends = (which: string): string => `
with signalled as materialized (
  select array_agg(pid) filter (where sent) as pids
  from (
    select pid, pg_terminate_backend(pid) as sent
    from pg_stat_activity
    where ${which} and pid <> pg_backend_pid() and datname = current_database()
  ) backends
)
select coalesce(cardinality(pids), 0) as ended, (select count(*) from unnest(pids) p where pg_terminate_backend(p, 5000 / cardinality(pids))) as gone
from signalled`;

/** $1 the application_name of an attempt's connections. */
export const END_BACKENDS_OF_ATTEMPT = endBackends('application_name = $1');

/**
 * $1 a dead runner: its own backends, and those of the attempts it ran. Of a process that is frozen they are still
 * there, and may hold locks on the very rows that are to be rescued.
 */
export const END_BACKENDS_OF_RUNNER = endBackends(`(
  application_name = 'heddle runner ' || $1
  or application_name in (
    select 'heddle:' || id || ':' || claim_token from tasks where status = 'running' and runner_id = $1::uuid))`);

/** $1 id, $2 claim token, $3 key: gives a running task its unique key. Fails with 23505 when another one has it. */
export const CLAIM_UNIQUE_KEY = `
update tasks set unique_key = $3 where id = $1 and claim_token = $2 and status = 'running'`;

/** $1 type, $2 key: the unfinished task that has it. It may run once more often, as after any resubmission. */
export const COUNT_DUPLICATE = `
update tasks set max_retries = max_retries + 1, updated_at = now()
where type = $1 and unique_key = $2 and status in ('created', 'queued', 'running')
returning id`;

/** $1 the runner: its running tasks that somebody wants to be cancelled. */
export const CANCELS_REQUESTED = `
select id from tasks where status = 'running' and runner_id = $1 and cancel_requested_at is not null`;
