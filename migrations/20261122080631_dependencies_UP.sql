-- Dependencies: what waits for what, and the functions that keep it true. Why they are called inside the statements that
-- finish tasks: docs/decisions/release-in-the-settle.md.

alter table tasks add column run_when_released boolean default true not null;
alter table tasks add column has_dependants boolean default false not null;

create table task_dependencies (
  task_id uuid,
  depends_on uuid,
  open boolean default true not null,
  constraint task_dependencies_pkey primary key (task_id, depends_on),
  constraint task_dependencies_task_id_tasks_id_fkey foreign key (task_id) references tasks (id) on delete cascade
);
create index task_dependencies_dependants on task_dependencies (depends_on);
create index task_dependencies_open on task_dependencies (task_id, depends_on) where open;

-- The array was searched for dependants; nothing of it was ever in use.
drop index tasks_waiting;


-- All functions here are volatile, and that is more than a matter of form: each of their statements has a snapshot of
-- its own, so that what comes after a lock sees what others have committed before they gave it up. And they see what
-- the statement that calls them has done so far.
--
-- Their statements touch what belongs to some ids, and nothing else. So that a plan from when the tables were small, or
-- from an estimate that is far off, never reads a whole one, they have no other way than probes of indexes.


-- Makes new tasks wait for what their rows have in depends_on. They are in this transaction's hands alone: inserted by
-- it, as `created`. Fails with 23503 and the unknown ids, one a line, when there are no such tasks.
--
-- The dependencies are locked: one that is being settled is waited for, and is seen here as finished; one that is not
-- yet is told, by has_dependants, that its end concerns somebody. Unfinished ones are told in any case: in a
-- transaction with one snapshot, only a row that was changed makes the settle fail instead of overlooking a new task.
create function heddle_depend(dependants uuid[]) returns void language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
declare
  wanted uuid[];
  unknown text;
  ended uuid[];
begin
  wanted := array(
    select distinct d.id from tasks t cross join lateral unnest(t.depends_on) as d(id) where t.id = any(dependants));
  perform from tasks where id = any(wanted) order by id for no key update;

  select string_agg(w.id::text, e'\n') into unknown
  from unnest(wanted) as w(id)
  where not exists (select from tasks t where t.id = w.id);
  if unknown is not null then
    raise exception using errcode = 'foreign_key_violation', table = 'task_dependencies',
      constraint = 'task_dependencies_known', message = 'a task depends on one that there is not', detail = unknown;
  end if;

  update tasks set has_dependants = true
  where id = any(wanted) and (not has_dependants or status in ('created', 'queued', 'running'));

  insert into task_dependencies (task_id, depends_on)
  select distinct t.id, d.id from tasks t cross join lateral unnest(t.depends_on) as d(id) where t.id = any(dependants);

  ended := array(select id from tasks where id = any(wanted) and status in ('completed', 'failed', 'cancelled'));
  perform heddle_release(ended);
end
$$;


-- Tells those that wait for tasks that these have ended. The caller holds their rows, as it has just finished them.
--
-- A task whose last dependency this was is queued. One whose dependency ended badly is cancelled, unless it wants to run
-- all the same, and so are those that wait for it, all the way down. They are looked for until a look finds nobody who
-- was not locked before it: to a task that is locked nobody can be added.
--
-- Whoever closes a row of task_dependencies holds its task: of several that end at once, each but the last finds an open
-- row, and the last one finds none. That open row is locked, too: in a transaction with one snapshot, it may have been
-- closed meanwhile, and then the lock fails. The youngest dependency is looked at, as the oldest ones end first.
--
-- `offset 0` keeps each step down a chain a probe by id. Of tasks that were submitted a moment ago the planner has no
-- statistics, and as a join it read all created tasks at each step: 10,000 in a row did not end within the 10 seconds
-- of a statement.
create function heddle_release(ended uuid[]) returns void language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
declare
  gone uuid[] := ended;
  before uuid[];
  told uuid[];
  cause record;
  due timestamptz;
begin
  loop
    perform from tasks
    where status = 'created' and id = any(array(
      select task_id from task_dependencies where depends_on = any(gone) and open))
    order by id for no key update;

    before := gone;
    gone := array(
      with recursive doomed as (
        select id from tasks where id = any(ended) and status in ('failed', 'cancelled')
        union
        select t.id
        from doomed
        cross join lateral (
          select task_id from task_dependencies where depends_on = doomed.id and open offset 0) d
        cross join lateral (
          select id from tasks
          where id = d.task_id and status = 'created' and on_dependency_failure = 'cancel' offset 0) t
      )
      select id from doomed union select unnest(ended));
    exit when not exists (select unnest(gone) except select unnest(before));
  end loop;

  with closed as (
    update task_dependencies set open = false where depends_on = any(gone) and open returning task_id
  )
  select array_agg(distinct task_id) into told from closed;
  if told is null then
    return;
  end if;

  -- Of its dependencies, the first that ended badly or is about to be cancelled is the one that is named. One by one, so
  -- that each is found by its id: as a join, this too read all created tasks for each of them.
  for cause in
    select distinct on (d.task_id) d.task_id, p.id, p.type, p.status
    from tasks p join task_dependencies d on d.depends_on = p.id
    where p.id = any(gone) and p.status <> 'completed'
    order by d.task_id, p.id
  loop
    with cancelled as (
      update tasks
      set status = 'cancelled', finished_at = clock_timestamp(), updated_at = clock_timestamp(),
        error = format('dependency %s of type %s %s', cause.id, cause.type,
          case cause.status when 'failed' then 'failed' else 'was cancelled' end)
      where id = cause.task_id and status = 'created' and on_dependency_failure = 'cancel'
      returning id, attempt, error
    )
    insert into task_events (task_id, at, from_status, to_status, attempt, actor, detail)
    select id, clock_timestamp(), 'created', 'cancelled', attempt, 'dependencies', error from cancelled;
  end loop;

  with waiting as (
    select w.task_id
    from unnest(told) as t(id) cross join lateral (
      select task_id from task_dependencies where task_id = t.id and open order by depends_on desc limit 1 for share
    ) w
  ),
  queued as (
    update tasks set status = 'queued', run_at = greatest(run_at, clock_timestamp()), updated_at = clock_timestamp()
    where id = any(array(select unnest(told) except select task_id from waiting))
      and status = 'created' and run_when_released
    returning id, run_at, attempt
  ),
  noted as (
    insert into task_events (task_id, at, from_status, to_status, attempt, actor, detail)
    select id, clock_timestamp(), 'created', 'queued', attempt, 'dependencies', 'all dependencies have ended' from queued
  )
  select min(run_at) into due from queued;
  if due is not null then
    perform pg_notify('heddle_due', greatest(0, ceil(extract(epoch from due - clock_timestamp()) * 1000))::text);
  end if;
end
$$;


-- Whether a task could be released as ended like this without waiting for anybody who has a row locked that this
-- would change. When it could, the rows are locked now.
create function heddle_can_release(task uuid, ended_as text) returns boolean language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
declare
  ended uuid[] := array[task];
begin
  loop
    ended := array(
      select id from tasks
      where status = 'created' and id = any(array(
        select task_id from task_dependencies where depends_on = any(ended) and open))
      order by id for no key update nowait);
    -- What is queued concerns nobody else. Nor does what runs all the same: to lock that is too much, and no harm.
    exit when ended = '{}' or ended_as = 'completed';
  end loop;
  return true;
exception
  when lock_not_available then
    return false;
end
$$;


-- Whether an unfinished task depends on this one. When the caller holds its row, it stays so.
create function heddle_is_waited_for(task uuid) returns boolean language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
begin
  return exists (
    select from task_dependencies d join tasks t on t.id = d.task_id
    where d.depends_on = task and t.status in ('created', 'queued', 'running'));
end
$$;


-- heddle_submit() takes depends_on and on_dependency_failure, with what it checks of them.

create or replace function heddle_submit(type text, params jsonb default '{}', options jsonb default '{}') returns uuid
language plpgsql volatile as $$
#variable_conflict use_column
declare
  payload jsonb := coalesce(nullif(heddle_submit.params, 'null'), '{}');
  chosen jsonb := coalesce(nullif(heddle_submit.options, 'null'), '{}');
  known task_types;
  fault text;
  waits_for uuid[];
  new_id uuid := heddle_uuid_v7();
  submitted record;
begin
  select * into known from task_types where name = heddle_submit.type;
  fault := coalesce(
    heddle_type_fault(heddle_submit.type, known.kind),
    'params ' || heddle_params_fault(payload),
    heddle_options_fault(chosen, known.timeout_seconds));
  if fault is not null then
    raise exception using errcode = 'invalid_parameter_value', message = fault,
      hint = 'See docs/submit-from-sql.md.';
  end if;

  waits_for := array(
    select d.id::uuid
    from jsonb_array_elements_text(coalesce(nullif(chosen -> 'depends_on', 'null'), '[]')) with ordinality as d(id, place)
    group by d.id::uuid
    order by min(d.place));

  insert into tasks as t (id, type, params, description, domain, drift_score, status, priority, run_at, max_retries,
    timeout_seconds, unique_key, submitted_by)
  values (
    new_id,
    known.name,
    payload,
    chosen ->> 'description',
    chosen ->> 'domain',
    coalesce((chosen ->> 'drift_score')::float8, 0),
    case when chosen -> 'run_immediately' = 'false' or waits_for <> '{}' then 'created' else 'queued' end,
    coalesce((chosen ->> 'priority')::numeric, 0),
    greatest(now(), coalesce((chosen ->> 'run_at')::timestamptz,
      now() + make_interval(secs => coalesce((chosen ->> 'delay_seconds')::float8, 0)))),
    coalesce((chosen ->> 'max_retries')::numeric, known.max_retries),
    (chosen ->> 'timeout_seconds')::float8,
    coalesce(chosen ->> 'unique_key', case when known.deduplicate = 'payload' then heddle_payload_key(payload) end),
    'sql:' || session_user
  )
  on conflict (type, unique_key) where unique_key is not null and status in ('created', 'queued', 'running')
    do update set max_retries = t.max_retries + 1, updated_at = now()
  returning t.id, t.status, t.run_at into submitted;

  -- What was there already keeps the dependencies that it has.
  if submitted.id = new_id and waits_for <> '{}' then
    update tasks
    set depends_on = waits_for,
      on_dependency_failure = coalesce(chosen ->> 'on_dependency_failure', 'cancel'),
      run_when_released = chosen -> 'run_immediately' is distinct from 'false'
    where id = new_id;
    perform heddle_depend(array[new_id]);
  end if;

  -- Delivered when the transaction commits, and once for all tasks of it that are due in the same millisecond.
  if submitted.status = 'queued' then
    perform pg_notify('heddle_due',
      greatest(0, ceil(extract(epoch from submitted.run_at - now()) * 1000))::text);
  end if;
  return submitted.id;
end
$$;

do $$
begin
  execute format('alter function heddle_submit set search_path = %I, pg_temp', current_schema());
end
$$;

create or replace function heddle_options_fault(options jsonb, longest_timeout float8) returns text language plpgsql stable as $$
declare
  faults text;
begin
  if options = '{}' then
    return null;
  elsif jsonb_typeof(options) <> 'object' then
    return 'options must be an object';
  end if;

  select string_agg(format('options.%s %s', key, heddle_option_fault(key, value)), '; ' order by key) into faults
  from (
    select key, value from jsonb_each(options)
    union all
    select 'depends_on/' || (place - 1), value
    from jsonb_array_elements(case jsonb_typeof(options -> 'depends_on') when 'array' then options -> 'depends_on' end)
      with ordinality as d(value, place)
  ) each
  where heddle_option_fault(key, value) is not null;

  return coalesce(faults, case
    when options ->> 'run_at' is not null and options ->> 'delay_seconds' is not null then
      'options.delay_seconds cannot be combined with run_at'
    when (options ->> 'timeout_seconds')::numeric > longest_timeout::numeric then
      format('options.timeout_seconds may only shorten the type''s timeout of %s s', longest_timeout)
  end);
end
$$;

create or replace function heddle_option_fault(name text, value jsonb) returns text language plpgsql stable as $$
declare
  kind text := jsonb_typeof(value);
  -- Null when the value is no number, and then no comparison with it is true.
  number numeric := case kind when 'number' then value::numeric end;
  whole numeric := case when number = trunc(number) then number end;
begin
  if name like 'depends_on/%' then
    return case when value #>> '{}' !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' or kind <> 'string'
      then 'must be the id of a task' end;
  elsif name not in ('description', 'domain', 'drift_score', 'run_immediately', 'priority', 'run_at', 'delay_seconds',
    'max_retries', 'timeout_seconds', 'unique_key', 'depends_on', 'on_dependency_failure') then
    return 'is not a known field';
  elsif kind = 'null' then
    return null;
  end if;

  return case name
    when 'description' then
      case when kind <> 'string' then 'must be a string' end
    when 'domain' then
      case when kind <> 'string' then 'must be a string' end
    when 'drift_score' then
      case when (abs(number) <= 1.7976931348623158e308) is not true then 'must be a number' end
    when 'run_immediately' then
      case when kind <> 'boolean' then 'must be a boolean' end
    when 'priority' then
      case when (whole between -100 and 100) is not true then 'must be a whole number from -100 to 100' end
    when 'run_at' then
      heddle_instant_fault(value #>> '{}')
    when 'delay_seconds' then
      case when (number between 0 and 3153600000) is not true then 'must be a number from 0 to 3153600000' end
    when 'max_retries' then
      case when (whole between 0 and 1000000) is not true then 'must be a whole number from 0 to 1000000' end
    when 'timeout_seconds' then
      case when (abs(number) <= 1.7976931348623158e308) is not true then 'must be a number'
        when number <= 0 then 'must be more than 0' end
    when 'unique_key' then
      case when kind <> 'string' then 'must be a string'
        when value = '""' then 'must not be empty'
        when length(value #>> '{}') > 255 then 'must have at most 255 characters' end
    when 'depends_on' then
      case when kind <> 'array' then 'must be an array'
        when jsonb_array_length(value) > 10000 then 'must have at most 10000 tasks' end
    when 'on_dependency_failure' then
      case when value not in ('"cancel"', '"run"') then 'must be ''cancel'' or ''run''' end
  end;
end
$$;
