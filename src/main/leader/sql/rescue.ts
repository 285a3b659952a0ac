import { leads } from './elect.ts';

/**
 * $1 this runner: the other runners that hold tasks, or do not count as stopped or lost, and how each is.
 *
 * Not past the index entries of its own tasks: while somebody keeps a transaction open, those of all that it has run since
 * are still there.
 */
export const OTHER_RUNNERS = `
select coalesce(r.id, t.runner_id) as id, r.host, r.pid, r.process_space, r.status, r.lease_seconds, r.last_seen_at::text as last_seen_at,
  extract(epoch from now() - r.last_seen_at)::float8 as silent_seconds
from (
  select runner_id from tasks where status = 'running' and runner_id < $1
  union
  select runner_id from tasks where status = 'running' and runner_id > $1
) t
full join runners r on r.id = t.runner_id
where coalesce(r.id, t.runner_id) <> $1 and (t.runner_id is not null or r.status not in ('stopped', 'lost'))`;

/**
 * $1 a dead runner, $2 when it was last seen, $3 this runner. One that was heard of since then stays, and so does one
 * whose row somebody keeps locked: the others are not to wait for it.
 */
export const MARK_LOST = `
update runners set status = 'lost'
where id = (
    select id from runners
    where id = $1 and status not in ('stopped', 'lost') and last_seen_at = $2::timestamptz
    for no key update skip locked
  ) and ${leads('$3')}
returning id`;

/**
 * $1 a dead runner: what it held, unless it is alive after all; $2 the claim tokens of what is being settled. What somebody
 * has locked is left for the next look: a transaction that is open for hours must not hold up the others. The settle
 * itself is fenced by the claim token.
 */
export const TASKS_OF_RUNNER = `
select id, type, claim_token, attempt, attempts_forgiven, max_retries, cancel_requested_at is not null as cancel_requested,
  extract(epoch from now() - started_at)::float8 * 1000 as ran_ms,
  (select min((t ->> 'id')::int) from runners r, jsonb_array_elements(r.threads) t
    where r.id = $1 and t ->> 'task_id' = tasks.id::text) as thread,
  (select count(*)::int from task_attempts a where a.task_id = tasks.id and a.outcome = 'lost') as lost_before
from tasks
where status = 'running' and runner_id = $1 and claim_token <> all($2::int8[])
  and not exists (select from runners r where r.id = $1 and r.status not in ('lost', 'stopped'))
order by id
limit 500
for no key update skip locked`;
