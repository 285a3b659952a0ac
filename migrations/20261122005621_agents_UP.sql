-- The tables that agents (Agno) share with Heddle. They come first, because later migrations may refer to them.

create table ai_sessions (
  session_id varchar primary key,
  session_type varchar not null,
  agent_id varchar,
  team_id varchar,
  workflow_id varchar,
  user_id varchar,
  session_data jsonb,
  agent_data jsonb,
  team_data jsonb,
  workflow_data jsonb,
  metadata jsonb,
  runs jsonb,
  summary jsonb,
  created_at bigint not null,
  updated_at bigint
);
create index idx_ai_sessions_session_type on ai_sessions (session_type);
create index idx_ai_sessions_created_at on ai_sessions (created_at);

create table ai_memories (
  memory_id varchar primary key,
  memory jsonb not null,
  feedback text,
  input text,
  agent_id varchar,
  team_id varchar,
  user_id varchar,
  topics jsonb,
  created_at bigint not null,
  updated_at bigint
);
create index idx_ai_memories_user_id on ai_memories (user_id);
create index idx_ai_memories_created_at on ai_memories (created_at);
create index idx_ai_memories_updated_at on ai_memories (updated_at);

create table ai_metrics (
  id varchar primary key,
  agent_runs_count bigint not null,
  team_runs_count bigint not null,
  workflow_runs_count bigint not null,
  agent_sessions_count bigint not null,
  team_sessions_count bigint not null,
  workflow_sessions_count bigint not null,
  users_count bigint not null,
  token_metrics jsonb not null,
  model_metrics jsonb not null,
  date date not null,
  aggregation_period varchar not null,
  created_at bigint not null,
  updated_at bigint,
  completed boolean not null,
  constraint ai_metrics_uq_metrics_date_period unique (date, aggregation_period)
);
create index idx_ai_metrics_date on ai_metrics (date);

create table ai_versions (
  table_name varchar primary key,
  version varchar not null,
  created_at varchar not null,
  updated_at varchar
);
create index idx_ai_versions_created_at on ai_versions (created_at);
