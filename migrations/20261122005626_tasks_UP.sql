-- Tasks and what belongs to them.

create sequence claim_tokens;

create table tasks (
  id uuid primary key default heddle_uuid_v7(),
  type text not null,
  description text,
  params jsonb default '{}' not null,
  domain text,
  drift_score double precision default 0 not null,
  status text default 'created' not null,
  result jsonb,
  error text,
  created_at timestamptz default now() not null,
  updated_at timestamptz default now() not null,
  priority smallint default 0 not null,
  run_at timestamptz default now() not null,
  attempt integer default 0 not null,
  max_retries integer default 3 not null,
  started_at timestamptz,
  finished_at timestamptz,
  last_run_at timestamptz,
  progress jsonb,
  unique_key text,
  depends_on uuid[] default '{}'::uuid[] not null,
  runner_id uuid,
  cancel_requested_at timestamptz,
  claim_token bigint,
  thread_id integer,
  timeout_seconds double precision,
  on_dependency_failure text default 'cancel' not null,
  attempts_forgiven integer default 0 not null,
  slot timestamptz,
  submitted_by text default 'sql' not null,
  constraint tasks_status_known
    check (status in ('created', 'queued', 'running', 'completed', 'failed', 'cancelled')),
  constraint tasks_priority_range check (priority between -100 and 100),
  constraint tasks_on_dependency_failure_known check (on_dependency_failure in ('cancel', 'run')),
  constraint tasks_running_has_claim
    check (status <> 'running' or (claim_token is not null and runner_id is not null))
);
create index tasks_ready on tasks (type, priority, run_at, id) where status = 'queued';
create index tasks_running on tasks (runner_id) where status = 'running';
create index tasks_waiting on tasks using gin (depends_on)
  where depends_on <> '{}' and status in ('created', 'queued', 'running');
create index tasks_ended_badly on tasks (id) where status in ('failed', 'cancelled');
create unique index tasks_unfinished_unique_key on tasks (type, unique_key)
  where unique_key is not null and status in ('created', 'queued', 'running');
create unique index tasks_slot on tasks (type, slot) where slot is not null;
-- Every task leaves two or three dead rows behind, and finished rows stay for days: with the default of 20 % of the
-- table, claims would wade through hundreds of thousands of dead entries of the small partial indexes. Not a fixed
-- number either: a vacuum reads each index as a whole, so that it has to become rarer as the table grows.
alter table tasks set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

create table task_attempts (
  task_id uuid,
  claim_token bigint,
  attempt integer not null,
  runner_id uuid not null,
  thread_id integer,
  started_at timestamptz not null,
  finished_at timestamptz default now() not null,
  outcome text not null,
  error jsonb,
  status_after text not null,
  constraint task_attempts_pkey primary key (task_id, claim_token),
  constraint task_attempts_outcome_known
    check (outcome in ('succeeded', 'failed', 'invalid', 'timed_out', 'cancelled', 'lost', 'given_back', 'snoozed')),
  constraint task_attempts_task_id_tasks_id_fkey foreign key (task_id) references tasks (id) on delete cascade
);

create table task_events (
  id bigint primary key generated always as identity,
  task_id uuid not null,
  at timestamptz default now() not null,
  from_status text,
  to_status text not null,
  attempt integer not null,
  actor text not null,
  detail text,
  constraint task_events_task_id_tasks_id_fkey foreign key (task_id) references tasks (id) on delete cascade
);
create index task_events_task on task_events (task_id, id);

create table task_logs (
  id bigint primary key generated always as identity,
  task_id uuid not null,
  attempt integer not null,
  at timestamptz not null,
  level text not null,
  message text not null,
  fields jsonb default '{}' not null,
  constraint task_logs_task_id_tasks_id_fkey foreign key (task_id) references tasks (id) on delete cascade
);
create index task_logs_task on task_logs (task_id, id);

create table task_types (
  name text primary key,
  kind text not null,
  description text,
  emoji text,
  payload_schema jsonb default '{}' not null,
  timeout_seconds double precision not null,
  max_retries integer not null,
  retry jsonb not null,
  batch_size integer,
  poll_interval_seconds double precision not null,
  deduplicate text default 'none' not null,
  published_at timestamptz default now() not null,
  constraint task_types_kind_known check (kind in ('database', 'periodic')),
  constraint task_types_deduplicate_known check (deduplicate in ('none', 'payload', 'function'))
);

create table periodic_tasks (
  name text primary key,
  schedule text not null,
  timezone text default 'UTC' not null,
  missed text default 'once' not null,
  overlap text default 'skip' not null,
  run_on_start boolean default false not null,
  paused boolean default false not null,
  last_slot timestamptz,
  next_run_at timestamptz,
  last_run_at timestamptz,
  last_status text,
  last_duration_ms double precision,
  runs bigint default 0 not null,
  failures bigint default 0 not null,
  constraint periodic_tasks_missed_known check (missed in ('skip', 'once', 'all')),
  constraint periodic_tasks_overlap_known check (overlap in ('skip', 'queue'))
);

create table runners (
  id uuid primary key,
  host text not null,
  pid integer not null,
  version text not null,
  mode text not null,
  role text not null,
  status text not null,
  started_at timestamptz default now() not null,
  last_seen_at timestamptz default now() not null,
  lease_seconds double precision not null,
  task_types text[] default '{}'::text[] not null,
  threads jsonb default '[]' not null,
  constraint runners_mode_known check (mode in ('singleton', 'shared')),
  constraint runners_role_known check (role in ('leader', 'standby', 'member')),
  constraint runners_status_known
    check (status in ('active', 'standby', 'draining', 'degraded', 'stopped', 'lost'))
);
