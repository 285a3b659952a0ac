import { MAY_CLAIM } from './presence.ts';

/** What a runner needs of a task that it has claimed: the fields of ClaimedTask, in their order. */
const CLAIMED = `t.id, t.type, t.params::text as params, t.claim_token, t.attempt, t.max_retries, t.attempts_forgiven,
  date_part('epoch', t.created_at) * 1000 as created_at_ms, t.domain, t.description, t.timeout_seconds, t.unique_key,
  t.depends_on <> '{}' as has_dependencies, t.traceparent, t.priority,
  greatest(0, date_part('epoch', now() - t.run_at) * 1000) as waited_ms`;

/** The same of one that has limits: without any there is nothing to ask for. */
const CLAIMED_WITH_KEYS = `${CLAIMED}, t.concurrency_key, t.rate_key`;

/** How long a task has to be due before its turn can come by age, in seconds. */
export const AGED_SECONDS = 30;

/** As many as there is room for. */
const CHOSEN = 'select id from candidates where place <= $3 and (quick or slow_so_far <= $4)';

/**
 * $1 the runner's id; $2 what can be claimed: `[{type, free, quick, tick}]`; $3 the most in all; $4 the most that are
 * not quick.
 *
 * Each type is probed on its own in the index `tasks_ready`, which holds queued tasks only: neither what another type
 * piles up nor a type that this runner lacks is walked through, and a type's own limit is the probe's. Tasks with keys
 * are not in that index: those are claimed by CLAIM_LIMITED.
 *
 * A runner that others have taken for dead wants nothing: whatever it is late with, it claims no more.
 *
 * `skip locked` inside the probe: a task that is being cancelled, or claimed by another runner, does not hold up the
 * ones behind it. The locks of candidates that are not taken go with the statement.
 *
 * The update is the statement itself and returns its rows in any order: to have them sorted here, each would be copied
 * twice.
 *
 * `= any(array(…))` and not `in (…)`: under a generic plan on a million rows `in` took 163 ms for 500, this 2 ms.
 */
export const CLAIM = `
with ${wanted()},
candidates as materialized (
  ${ranked('c.priority, c.run_at, c.id')}
  from wanted w
  cross join lateral (
    ${queued('run_at <= now()', 'priority, run_at, id')}
  ) c
)
${claimed(CHOSEN)}`;

/**
 * The same, but it looks where it is told to: each of $2 has `probes`, see ClaimPositions.
 */
export const CLAIM_AHEAD = `
with ${wanted(', probes jsonb')},
candidates as materialized (
  ${ranked('c.priority, c.run_at, c.id')}
  from wanted w
  cross join lateral (
    select found.*
    from jsonb_to_recordset(w.probes) as p(low int2, high int2, age float8)
    cross join lateral (
      select * from (
        ${queued('priority = p.low and run_at between now() - make_interval(secs => p.age) and now()', 'run_at, id')}
      ) further
      union all
      select * from (
        ${queued('p.age is null and priority > p.low and priority < p.high and run_at <= now()', 'priority, run_at, id')}
      ) everything
    ) found
    order by priority, run_at, id
    limit w.free
  ) c
)
${claimed(CHOSEN)}`;

/**
 * The same as CLAIM for what has been due for longest, and for AGED_SECONDS at least: then priority does not count. Due ticks
 * go first all the same.
 *
 * There is no index in this order, which every submission would have to write to. But within a priority `tasks_ready`
 * is in it, and there are few priorities in use: they are found by one probe each, 201 at the most.
 *
 * Only what is taken is locked: the candidates are many, those of every priority.
 */
export const CLAIM_BY_AGE = `
with recursive ${wanted()},
levels as (
  select w.type, (${priorityOf('w', '')}) as priority from wanted w
  union all
  select l.type, (${priorityOf('l', 'and t.priority > l.priority')}) from levels l where l.priority is not null
),
candidates as materialized (
  ${ranked('c.run_at, c.priority, c.id')}
  from levels l
  join wanted w on w.type = l.type
  cross join lateral (
    select id, priority, run_at
    from tasks
    where status = 'queued' and concurrency_key is null and type = l.type and priority = l.priority
      and run_at <= now() - make_interval(secs => case when w.tick then 0 else ${AGED_SECONDS} end)
    order by run_at, id
    limit w.free
  ) c
)
${claimed(`
  select id from tasks
  where id = any(array(${CHOSEN}))
    and status = 'queued'
  for update skip locked`)}`;

function wanted(more = ''): string {
  return `wanted as (
  select * from jsonb_to_recordset($2::jsonb) as w(type text, free int, quick bool, tick bool${more}) where ${MAY_CLAIM}
)`;
}

/** Of a wanted type's tasks those that come first, locked. */
function queued(condition: string, order: string): string {
  return `select id, priority, run_at
    from tasks
    where status = 'queued' and concurrency_key is null and type = w.type and ${condition}
    order by ${order}
    limit w.free
    for update skip locked`;
}

/** Each candidate with its place among all of them, and how many up to it are not quick. */
function ranked(order: string): string {
  return `select c.id, w.quick, row_number() over (order by not w.tick, ${order}) as place,
    count(*) filter (where not w.quick) over (order by not w.tick, ${order}) as slow_so_far`;
}

function priorityOf(row: string, beyond: string): string {
  return `
    select t.priority from tasks t
    where t.status = 'queued' and t.concurrency_key is null and t.type = ${row}.type ${beyond}
    order by t.priority
    limit 1`;
}

function claimed(ids: string): string {
  return `update tasks t
set status = 'running', attempt = attempt + 1, claim_token = nextval('claim_tokens'), runner_id = $1,
  started_at = now(), last_run_at = now(), finished_at = null, updated_at = now(), progress = null
where id = any(array(
  ${ids}
)) and status = 'queued'
returning ${CLAIMED}`;
}

/**
 * $1 the type, $2 the runner's id, $3 the most, $4 the type's limits, $5 null, or how long a task has to be due when
 * they are claimed by age. What it does is in the migration `limits`.
 */
export const CLAIM_LIMITED = `
select ${CLAIMED_WITH_KEYS}
from heddle_claim_limited($1, $2, $3, $4, $5) t`;

/** $1 the runner's id, $2 the claim tokens it knows of. */
export const FIND_CLAIMED = `
select ${CLAIMED_WITH_KEYS}
from tasks t
where status = 'running' and runner_id = $1 and claim_token <> all($2::int8[])
order by priority, run_at, id`;
