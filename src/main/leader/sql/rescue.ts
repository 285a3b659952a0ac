/** $1 this runner: the other runners that hold tasks, and how long each has been silent. */
export const RUNNERS_WITH_TASKS = `
select t.runner_id as id, r.host, r.pid, r.status, r.lease_seconds,
  extract(epoch from now() - r.last_seen_at)::float8 as silent_seconds
from (select distinct runner_id from tasks where status = 'running' and runner_id <> $1) t
left join runners r on r.id = t.runner_id`;

/** $1 a dead runner: what it held, unless it was heard of since. Not locked: the settle is fenced by the claim token. */
export const TASKS_OF_RUNNER = `
select id, type, claim_token, attempt, attempts_forgiven, max_retries, cancel_requested_at is not null as cancel_requested,
  extract(epoch from now() - started_at)::float8 * 1000 as ran_ms
from tasks
where status = 'running' and runner_id = $1
  and not exists (select from runners r where r.id = $1 and r.status not in ('lost', 'stopped'))
order by id
limit 500`;

/** $1 a dead runner. */
export const MARK_LOST = `update runners set status = 'lost' where id = $1 and status <> 'stopped'`;
