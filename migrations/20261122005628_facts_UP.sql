-- What tasks and people found out.

create table facts (
  id uuid primary key default heddle_uuid_v7(),
  text text not null,
  tags text[] default '{}'::text[] not null,
  meta_data jsonb default '{}' not null,
  produced_by_task_id uuid,
  created_at timestamptz default now() not null,
  updated_at timestamptz default now() not null
);
create index facts_tags on facts using gin (tags);
