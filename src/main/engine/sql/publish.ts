/** $1 the types, as a JSON array. Types that are gone stay: their tasks are still there, only nobody runs them. */
export const PUBLISH_TYPES = `
insert into task_types (name, kind, description, emoji, payload_schema, timeout_seconds, max_retries, retry,
  batch_size, poll_interval_seconds, deduplicate, retention_completed_days, retention_failed_days, published_at)
select t.name, t.kind, t.description, t.emoji, t."payloadSchema", t."timeoutSeconds", t."maxRetries", t.retry,
  t."batchSize", t."pollIntervalSeconds", t.deduplicate,
  (t."retentionDays" ->> 'completed')::float8, (t."retentionDays" ->> 'failed')::float8, now()
from jsonb_to_recordset($1::jsonb) as t(name text, kind text, description text, emoji text, "payloadSchema" jsonb,
  "timeoutSeconds" float8, "maxRetries" int4, retry jsonb, "batchSize" int4, "pollIntervalSeconds" float8,
  deduplicate text, "retentionDays" jsonb)
on conflict (name) do update set
  kind = excluded.kind, description = excluded.description, emoji = excluded.emoji,
  payload_schema = excluded.payload_schema, timeout_seconds = excluded.timeout_seconds,
  max_retries = excluded.max_retries, retry = excluded.retry, batch_size = excluded.batch_size,
  poll_interval_seconds = excluded.poll_interval_seconds, deduplicate = excluded.deduplicate,
  retention_completed_days = excluded.retention_completed_days, retention_failed_days = excluded.retention_failed_days,
  published_at = now()`;

/**
 * $1 the schedules, as a JSON array. One that was edited starts anew: its next run is planned from now. What has run,
 * and whether it is paused, stays.
 */
export const PUBLISH_SCHEDULES = `
insert into periodic_tasks as p (name, schedule, timezone, missed, overlap, run_on_start)
select name, schedule, timezone, missed, overlap, run_on_start
from jsonb_to_recordset($1::jsonb) as s(name text, schedule text, timezone text, missed text, overlap text, run_on_start bool)
on conflict (name) do update set
  schedule = excluded.schedule, timezone = excluded.timezone, missed = excluded.missed, overlap = excluded.overlap,
  run_on_start = excluded.run_on_start,
  next_run_at = case when p.schedule = excluded.schedule and p.timezone = excluded.timezone then p.next_run_at end,
  last_slot = case when p.schedule = excluded.schedule and p.timezone = excluded.timezone then p.last_slot end`;
