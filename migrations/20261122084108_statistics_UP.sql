-- Statistics, and lists that are quick at ten million tasks.

-- What became of attempts, minute by minute: each runner writes its own rows.
create table attempt_minutes (
  runner_id uuid,
  minute integer,
  began_at timestamptz default now() not null,
  attempts integer default 0 not null,
  completed integer default 0 not null,
  failed integer default 0 not null,
  retried integer default 0 not null,
  wait_ms jsonb default '{}' not null,
  run_ms jsonb default '{}' not null,
  constraint attempt_minutes_pkey primary key (runner_id, minute)
);
create index attempt_minutes_began_at on attempt_minutes (began_at);

-- Whether an id does not tell when its task was created. An id of version 7 begins with that time; of its 48 bits of
-- milliseconds the upper 32 are compared, units of 65.536 seconds: the clocks of the API and of the database need not
-- agree to the millisecond, and a task that comes to stand on the other side of a unit's end is just one of those that
-- are dated otherwise. What is compared are bytes, because this is asked at each write of a task: 0.2 microseconds.
create function heddle_dated_otherwise(id uuid, created_at timestamptz) returns boolean language sql immutable parallel safe
return substring(uuid_send(id) from 1 for 4)
  <> int4send(floor(date_part('epoch', created_at - timestamptz '1970-01-01 00:00:00+00') / 65.536)::integer);

-- For lists by one filter, newest first. A claim, which makes a task running, writes none of those by status and type:
-- a task enters one when it is submitted, and two when it has ended.
create index tasks_created on tasks (id) where status = 'created';
create index tasks_queued on tasks (id) where status = 'queued';
create index tasks_completed on tasks (id) where status = 'completed';
create index tasks_finished_by_type on tasks (type, id) where status in ('completed', 'failed', 'cancelled');
-- One status of it in the order of ids: what was in the order of ids alone had to be sorted out by the table's rows.
drop index tasks_ended_badly;
create index tasks_ended_badly on tasks (status, id) where status in ('failed', 'cancelled');
create index tasks_by_domain on tasks (domain, id) where domain is not null;
create index tasks_by_unique_key on tasks (unique_key, id) where unique_key is not null;
create index tasks_dated_otherwise on tasks (created_at) where heddle_dated_otherwise(id, created_at);

-- What is estimated is as good as the last ANALYZE. By default it waits until a tenth of the table has changed.
alter table tasks set (autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 1000);
