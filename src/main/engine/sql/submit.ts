/** The channel on which runners are woken. The payload is in how many milliseconds a task is due. */
export const CHANNEL_DUE = 'heddle_due';

/** The channel on which runners hear which running task is to be cancelled. The payload is its id. */
export const CHANNEL_CANCEL = 'heddle_cancel';

/**
 * $1 the submissions as a JSON array; what is undefined is not in it. $2 whether the runners are woken by it.
 *
 * One parameter holds all rows, so that one prepared statement serves one task and a thousand. The payload's hash is
 * taken here, of jsonb's own text: there, the order of keys and the spelling of numbers no longer matter, and SQL
 * clients get the same hash.
 *
 * Tasks without a key go in as they are: what equal keys need would make them a third dearer.
 *
 * Of equal submissions in one call the first one is inserted, the others count as resubmissions of it: `on conflict`
 * may not touch a row twice. `do update` rather than `do nothing`, because it waits for a simultaneous insert to
 * commit and returns that row. Rows go in ordered by key: two calls with the same keys in another order would wait
 * for each other for ever.
 *
 * A `run_at` in the past counts as now: it does not overtake those who have waited.
 *
 * What comes back is when that was, and what else was decided here: nothing of a task that is due now and has no key,
 * as most. To send and to read their rows would cost as much as to insert them.
 */
export const SUBMIT = `
with asked as materialized (
  select a.*,
    coalesce(a.unique_key, case when a.by_payload then 'sha256:' || encode(sha256(convert_to(a.params::text, 'UTF8')), 'hex') end) as key,
    greatest(now(), coalesce(a.run_at, now() + make_interval(secs => a.delay_seconds))) as due
  from rows from (jsonb_to_recordset($1::jsonb) as (
    id uuid, type text, params jsonb, description text, domain text, drift_score float8, status text, priority int2,
    run_at timestamptz, delay_seconds float8, max_retries int4, timeout_seconds float8, unique_key text, by_payload bool,
    submitted_by text, traceparent text
  )) with ordinality as a (
    id, type, params, description, domain, drift_score, status, priority, run_at, delay_seconds, max_retries,
    timeout_seconds, unique_key, by_payload, submitted_by, traceparent, position)
),
without_key as (
  insert into tasks (id, type, params, description, domain, drift_score, status, priority, run_at, max_retries,
    timeout_seconds, submitted_by, traceparent)
  select id, type, params, description, domain, coalesce(drift_score, 0), status, coalesce(priority, 0), due, max_retries,
    timeout_seconds, submitted_by, traceparent
  from asked
  where key is null
),
first as (
  select distinct on (type, key) *, (count(*) over (partition by type, key) - 1)::int as repeats
  from asked
  where key is not null
  order by type, key, position
),
with_key as (
  insert into tasks as t (id, type, params, description, domain, drift_score, status, priority, run_at, max_retries,
    timeout_seconds, unique_key, submitted_by, traceparent)
  select id, type, params, description, domain, coalesce(drift_score, 0), status, coalesce(priority, 0), due,
    max_retries + repeats, timeout_seconds, key, submitted_by, traceparent
  from first
  order by type, key
  on conflict (type, unique_key) where unique_key is not null and status in ('created', 'queued', 'running')
    do update set
      max_retries = t.max_retries + 1 + (select f.repeats from first f where f.type = t.type and f.key = t.unique_key),
      updated_at = now()
  returning t.*
),
notified as materialized (
  select pg_notify('${CHANNEL_DUE}', greatest(0, ceil(extract(epoch from min(due) - now()) * 1000))::text)
  from asked
  where status = 'queued' and $2
  having count(*) > 0
)
select now() as created_at, (
  select jsonb_agg(jsonb_build_object('position', a.position - 1, 'run_at', a.due, 'max_retries', coalesce(k.max_retries, a.max_retries),
    'unique_key', a.key, 'existing', case when k.id <> a.id then to_jsonb(k) end))
  from asked a
  left join with_key k on k.type = a.type and k.unique_key = a.key
  where a.key is not null or a.due > now()) as others
from (select) one left join notified on true`;

/**
 * The same for tasks that are due now and have no key, as most: nothing is decided here but the time, and without what
 * decides the rest a task costs a fifth less. $2 whether runners are woken, for one of them at least is queued.
 */
export const SUBMIT_PLAIN = `
with inserted as (
  insert into tasks (id, type, params, description, domain, drift_score, status, priority, run_at, max_retries,
    timeout_seconds, submitted_by, traceparent)
  select id, type, params, description, domain, coalesce(drift_score, 0), status, coalesce(priority, 0), now(), max_retries,
    timeout_seconds, submitted_by, traceparent
  from jsonb_to_recordset($1::jsonb) as a(
    id uuid, type text, params jsonb, description text, domain text, drift_score float8, status text, priority int2,
    max_retries int4, timeout_seconds float8, submitted_by text, traceparent text)
),
notified as materialized (select pg_notify('${CHANNEL_DUE}', '0') where $2)
select now() as created_at, null as others
from (select) one left join notified on true`;

/** $1 in how many milliseconds a task is due, as text. */
export const WAKE = `select pg_notify('${CHANNEL_DUE}', $1)`;
