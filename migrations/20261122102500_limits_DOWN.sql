-- LOSES DATA: what queued tasks count as for the limits of their types, which runners compute anew, and the starts of
-- the last windows.

drop function heddle_claim_limited(text, uuid, integer, jsonb, double precision);
drop table task_starts;
drop index tasks_running_keyed;
drop index tasks_ready_by_key;
drop index tasks_ready_keyed;
drop index tasks_ready;
drop function heddle_key_hash(text, text);
alter table tasks drop column rate_key, drop column concurrency_key;
create index tasks_ready on tasks (type, priority, run_at, id) where status = 'queued';
