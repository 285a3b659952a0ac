-- LOSES DATA: what waits for what. Tasks that wait for others stay created until somebody runs them.

-- heddle_submit() as it was: it knows no dependencies.

create or replace function heddle_submit(type text, params jsonb default '{}', options jsonb default '{}') returns uuid
language plpgsql volatile as $$
#variable_conflict use_column
declare
  payload jsonb := coalesce(nullif(heddle_submit.params, 'null'), '{}');
  chosen jsonb := coalesce(nullif(heddle_submit.options, 'null'), '{}');
  known task_types;
  fault text;
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

  insert into tasks as t (type, params, description, domain, drift_score, status, priority, run_at, max_retries,
    timeout_seconds, unique_key, submitted_by)
  values (
    known.name,
    payload,
    chosen ->> 'description',
    chosen ->> 'domain',
    coalesce((chosen ->> 'drift_score')::float8, 0),
    case when chosen -> 'run_immediately' = 'false' then 'created' else 'queued' end,
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
  from jsonb_each(options)
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
  if name not in ('description', 'domain', 'drift_score', 'run_immediately', 'priority', 'run_at', 'delay_seconds',
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
        when value <> '[]' then 'must be empty: this version knows no dependencies' end
    when 'on_dependency_failure' then
      case when value not in ('"cancel"', '"run"') then 'must be ''cancel'' or ''run''' end
  end;
end
$$;


drop function heddle_is_waited_for(uuid);
drop function heddle_can_release(uuid, text);
drop function heddle_release(uuid[]);
drop function heddle_depend(uuid[]);
drop table task_dependencies;
alter table tasks drop column run_when_released;
alter table tasks drop column has_dependants;
create index tasks_waiting on tasks using gin (depends_on)
  where depends_on <> '{}' and status in ('created', 'queued', 'running');
