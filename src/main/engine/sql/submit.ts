/** The channel on which runners are woken. The payload is in how many milliseconds a task is due. */
export const CHANNEL_DUE = 'heddle_due';

/** The channel on which runners hear which running task is to be cancelled. The payload is its id. */
export const CHANNEL_CANCEL = 'heddle_cancel';

/**
 * $1 the submissions as a JSON array, $2 who submits.
 *
 * One parameter holds all rows, so that one prepared statement serves one task and a thousand. The payload's hash is
 * taken here, of jsonb's own text: there, the order of keys and the spelling of numbers no longer matter, and SQL
 * clients get the same hash.
 *
 * Of equal submissions in one call the first one is inserted, the others count as resubmissions of it: `on conflict`
 * may not touch a row twice. The last join is of plain equalities, so that it can be hashed: with an `or`, 5,000 tasks
 * took 4 seconds. `do update` rather than `do nothing`, because it waits for a simultaneous insert to
 * commit and returns that row. Rows go in ordered by key: two calls with the same keys in another order would wait
 * for each other for ever.
 *
 * A `run_at` in the past counts as now: it does not overtake those who have waited.
 */
export const SUBMIT = `
with asked as materialized (
  select a.*,
    coalesce(a.unique_key, case when a.by_payload then 'sha256:' || encode(sha256(convert_to(a.params::text, 'UTF8')), 'hex') end) as key
  from rows from (jsonb_to_recordset($1::jsonb) as (
    id uuid, type text, params jsonb, description text, domain text, drift_score float8, status text, priority int2,
    run_at timestamptz, delay_seconds float8, max_retries int4, timeout_seconds float8, unique_key text, by_payload bool
  )) with ordinality as a (
    id, type, params, description, domain, drift_score, status, priority, run_at, delay_seconds, max_retries,
    timeout_seconds, unique_key, by_payload, position)
),
first as (
  select distinct on (type, coalesce(key, id::text)) *, (count(*) over (partition by type, coalesce(key, id::text)) - 1)::int as repeats
  from asked
  order by type, coalesce(key, id::text), position
),
submitted as (
  insert into tasks as t (id, type, params, description, domain, drift_score, status, priority, run_at, max_retries,
    timeout_seconds, unique_key, submitted_by)
  select id, type, params, description, domain, drift_score, status, priority,
    greatest(now(), coalesce(run_at, now() + make_interval(secs => delay_seconds))), max_retries + repeats, timeout_seconds, key, $2
  from first
  order by type, key, position
  on conflict (type, unique_key) where unique_key is not null and status in ('created', 'queued', 'running')
    do update set
      max_retries = t.max_retries + 1 + (select f.repeats from first f where f.type = t.type and f.key = t.unique_key),
      updated_at = now()
  returning t.*
),
notified as materialized (
  select pg_notify('${CHANNEL_DUE}', greatest(0, ceil(extract(epoch from min(run_at) - now()) * 1000))::text)
  from submitted
  where status = 'queued'
  having count(*) > 0
)
select a.position::int, s.id <> a.id as deduplicated, s.*
from asked a
join submitted s on s.type = a.type and coalesce(s.unique_key, s.id::text) = coalesce(a.key, a.id::text)
left join notified on true
order by a.position`;
