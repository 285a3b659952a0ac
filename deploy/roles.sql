-- Three roles instead of one that may do everything. Run it as who owns the database (in AWS RDS the master user), in
-- Heddle's own database, before the first migration and once more after it; it may be run again at any time.
--   heddle_migrator  owns the tables; for `heddle migrate --up`, at an update
--   heddle_runtime   for the APIs and runners: reads and writes rows, and makes no tables
--   heddle_reader    for people and reports: reads
-- They cannot log in before they have a password: \password heddle_runtime, or alter role heddle_runtime password '…'.
begin;

do $$
declare
  name text;
begin
  foreach name in array array['heddle_migrator', 'heddle_runtime', 'heddle_reader'] loop
    if not exists (select from pg_roles where rolname = name) then
      execute format('create role %I login', name);
    end if;
  end loop;
  -- What follows is said in the name of the migrator, which only its members may.
  execute format('grant heddle_migrator to %I', current_user);

  execute format('revoke all on database %I from public', current_database());
  -- CREATE: for the extension pg_trgm, which the migrations make, and which any owner may.
  execute format('grant connect, create, temporary on database %I to heddle_migrator', current_database());
  -- TEMPORARY: for tasks.
  execute format('grant connect, temporary on database %I to heddle_runtime', current_database());
  execute format('grant connect on database %I to heddle_reader', current_database());
end $$;

-- APIs and runners say so on each of their connections; but a pooler in transaction mode lends them others.
alter role heddle_runtime set jit = off;

revoke create on schema public from public;
grant usage, create on schema public to heddle_migrator;
grant usage on schema public to heddle_runtime, heddle_reader;

-- Of the tables that are there, and of those that the migrator will make.
grant select, insert, update, delete on all tables in schema public to heddle_runtime;
grant usage on all sequences in schema public to heddle_runtime;
grant select on all tables in schema public to heddle_reader;
alter default privileges for role heddle_migrator in schema public
  grant select, insert, update, delete on tables to heddle_runtime;
alter default privileges for role heddle_migrator in schema public grant usage on sequences to heddle_runtime;
alter default privileges for role heddle_migrator in schema public grant select on tables to heddle_reader;

-- What has been migrated only the migrator may write down. The table is there after the first migration.
do $$
begin
  if to_regclass('public.ai_migrations') is not null then
    revoke insert, update, delete on public.ai_migrations from heddle_runtime;
  end if;
end $$;

-- The age of the oldest transaction, also of others: a metric of the API.
do $$
begin
  grant pg_read_all_stats to heddle_runtime;
exception when insufficient_privilege then
  raise notice 'heddle_runtime does not get pg_read_all_stats: heddle_oldest_transaction_age_seconds sees only its own';
end $$;

commit;
