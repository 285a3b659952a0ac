import { MAY_CLAIM } from './presence.ts';

/** What a runner needs of a task that it has claimed. */
const CLAIMED = `t.id, t.type, t.params::text as params, t.claim_token, t.attempt, t.max_retries, t.attempts_forgiven,
  extract(epoch from t.created_at)::float8 * 1000 as created_at_ms, t.domain, t.description, t.timeout_seconds, t.unique_key, t.depends_on <> '{}' as has_dependencies,
  greatest(0, date_part('epoch', now() - t.run_at) * 1000) as waited_ms`;

/**
 * $1 the runner's id; $2 what can be claimed: `[{type, free, quick, tick}]`; $3 the most in all; $4 the most that are
 * not quick.
 *
 * Each type is probed on its own in the index `tasks_ready`, which holds queued tasks only: neither what another type
 * piles up nor a type that this runner lacks is walked through, and a type's own limit is the probe's.
 *
 * A runner that others have taken for dead wants nothing: whatever it is late with, it claims no more.
 *
 * `skip locked` inside the probe: a task that is being cancelled, or claimed by another runner, does not hold up the
 * ones behind it. The locks of candidates that are not taken go with the statement.
 *
 * The order is made at the end once more, because an update returns its rows in any.
 *
 * `= any(array(…))` and not `in (…)`: under a generic plan on a million rows `in` took 163 ms for 500, this 2 ms.
 */
export const CLAIM = `
with wanted as (
  select * from jsonb_to_recordset($2::jsonb) as w(type text, free int, quick bool, tick bool) where ${MAY_CLAIM}
),
candidates as materialized (
  select c.id, w.quick, row_number() over (order by not w.tick, c.priority, c.run_at, c.id) as place,
    count(*) filter (where not w.quick) over (order by not w.tick, c.priority, c.run_at, c.id) as slow_so_far
  from wanted w
  cross join lateral (
    select id, priority, run_at
    from tasks
    where status = 'queued' and type = w.type and run_at <= now()
    order by priority, run_at, id
    limit w.free
    for update skip locked
  ) c
),
claimed as (
  update tasks
  set status = 'running', attempt = attempt + 1, claim_token = nextval('claim_tokens'), runner_id = $1,
    started_at = now(), last_run_at = now(), finished_at = null, updated_at = now(), progress = null
  where id = any(array(
    select id from candidates where place <= $3 and (quick or slow_so_far <= $4)
  )) and status = 'queued'
  returning *
)
select ${CLAIMED}
from claimed t
join wanted w on w.type = t.type
order by not w.tick, t.priority, t.run_at, t.id`;

/** $1 the runner's id, $2 the claim tokens it knows of. */
export const FIND_CLAIMED = `
select ${CLAIMED}
from tasks t
where status = 'running' and runner_id = $1 and claim_token <> all($2::int8[])
order by priority, run_at, id`;
