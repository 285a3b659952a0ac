/**
 * $1 the application_name of an attempt's connections. Ends their backends and waits up to five seconds for each.
 */
export const END_BACKENDS = `
select count(*)::int as ended
from (
  select pg_terminate_backend(pid, 5000) as gone
  from pg_stat_activity
  where application_name = $1 and pid <> pg_backend_pid() and datname = current_database()
) ended
where gone`;

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
