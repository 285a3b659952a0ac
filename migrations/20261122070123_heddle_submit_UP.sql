-- heddle_submit(): submits a task from SQL, in the caller's transaction. Its guide is docs/submit-from-sql.md.
--
-- It does what POST /tasks does: it allows what src/main/engine/submission.ts allows, refuses in the same words, and
-- writes what src/main/engine/sql/submit.ts writes. Only the type's payload schema is not looked at: the thread does it.


-- Returns the task's id; when the same work is there already, and not finished, the id of that task, which may then be
-- retried once more. `do update` because it waits for a simultaneous insert to commit and finds that row.
create function heddle_submit(type text, params jsonb default '{}', options jsonb default '{}') returns uuid
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

-- The tables are found where they are now, whatever search_path the caller has, and whatever tables of these names.
-- `set search_path from current` would keep a "$user" that stands for somebody else then.
do $$
begin
  execute format('alter function heddle_submit set search_path = %I, pg_temp', current_schema());
end
$$;


-- What is wrong with a type's name, or null. Its kind is null when there is no such type.
create function heddle_type_fault(name text, kind text) returns text language plpgsql stable as $$
#variable_conflict use_column
begin
  return case
    when coalesce(heddle_type_fault.name, '') = '' then 'type must not be empty'
    when heddle_type_fault.kind is null then
      format('There is no task type ''%s''. Known are: %s.', heddle_type_fault.name,
        coalesce((select string_agg(name, ', ' order by name) from task_types where kind = 'database'), 'none'))
    when heddle_type_fault.kind = 'periodic' then
      format('''%s'' is a periodic task: the scheduler submits it.', heddle_type_fault.name)
  end;
end
$$;

-- What is wrong with params, or null. PostgreSQL's own limits are wider than those of the parsers that read them later.
-- Neither of the last two fits into 255 characters, so that most params need not be walked through.
create function heddle_params_fault(params jsonb) returns text language sql immutable
return case
  when jsonb_typeof(params) <> 'object' then 'must be an object'
  when length(params::text) < 256 then null
  when params @? 'strict $.**{127} ? (@.type() == "object" || @.type() == "array")'
    then 'is nested deeper than 128 levels'
  when params @? 'strict $.** ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)'
    then 'holds a number that is beyond the range of numbers'
end;

-- What is wrong with the options, each one and then together, or null.
create function heddle_options_fault(options jsonb, longest_timeout float8) returns text language plpgsql stable as $$
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

-- What is wrong with one option, or null. JSON's null is as good as absent.
create function heddle_option_fault(name text, value jsonb) returns text language plpgsql stable as $$
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

-- What is wrong with a time, or null. PostgreSQL reads more than ISO 8601 ("tomorrow"), and knows more years than JSON.
create function heddle_instant_fault(value text) returns text language plpgsql stable as $$
begin
  if value !~ '^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$' then
    return 'must be an ISO 8601 time with an offset or Z';
  elsif extract(year from value::timestamptz at time zone 'UTC') not between 1 and 9999 then
    return 'is out of range';
  end if;
  return null;
exception
  -- The 30th of February; an offset of 16 hours.
  when datetime_field_overflow or invalid_time_zone_displacement_value then
    return 'must be an ISO 8601 time with an offset or Z';
end
$$;

-- By what equal payloads are known as equal: the hash that submissions over HTTP get, of jsonb's own text, in which the
-- order of keys does not matter. Zeros at the end of a fraction are cut off: a numeric(10, 2) brings them along, while no
-- number that came over HTTP has any. Strings are matched first, so that nothing in them is.
create function heddle_payload_key(params jsonb) returns text language sql immutable
return 'sha256:' || encode(sha256(convert_to(
  regexp_replace(params::text, '("(?:[^"\\]|\\.)*")|(\d)\.0+(?!\d)|(\.\d*[1-9])0+(?!\d)', '\1\2\3', 'g'),
  'UTF8')), 'hex');
