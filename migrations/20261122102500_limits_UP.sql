-- How much of a type may run at once, or start, over all runners.

alter table tasks add column concurrency_key text, add column rate_key text;

-- An order of keys in which one can begin anywhere: tasks with the same concurrency key are next to each other in it, and
-- where there is none, those with the same rate key.
create function heddle_key_hash(concurrency_key text, rate_key text) returns bigint
language sql immutable parallel safe
return hashtextextended(coalesce(nullif(concurrency_key, ''), rate_key), 0);

-- Tasks with keys leave the index that all others are claimed from: there, only those are found that still need one.
drop index tasks_ready;
create index tasks_ready on tasks (type, priority, run_at, id) where status = 'queued' and concurrency_key is null;
create index tasks_ready_keyed on tasks (type, priority, run_at, id)
  where status = 'queued' and concurrency_key is not null;
create index tasks_ready_by_key on tasks
  (type, heddle_key_hash(concurrency_key, rate_key), concurrency_key, rate_key, priority, run_at, id)
  where status = 'queued' and concurrency_key is not null;
create index tasks_running_keyed on tasks (type, concurrency_key)
  where status = 'running' and concurrency_key is not null;

create table task_starts (
  type text,
  rate_key text,
  until timestamptz,
  claim_token bigint,
  starts integer not null,
  constraint task_starts_pkey primary key (type, rate_key, until, claim_token)
);
create index task_starts_until on task_starts (type, until);

-- Claims tasks of one type with limits, the most urgent first, or, when aged_seconds is given, those that have been due
-- for longest and at least for so long. What is free is counted from the rows of running tasks: there is no counter
-- that a runner could take with it when it dies.
--
-- A function, because only the statements after the lock see what claims before this one have taken, and because
-- server and lock are not left waiting for a runner that freezes between two statements.
--
-- Tasks are looked for twice. First in their order: that ends after a few rows, however many keys there are, unless
-- most of what comes first has full keys. Then key by key: each full key is passed in one step, whatever is queued behind
-- it. Not all keys are asked then, there may be a million: they are in the order of their hashes, and it begins anywhere.
create function heddle_claim_limited(of_type text, for_runner uuid, most integer, limits jsonb, aged_seconds double precision)
returns setof tasks
language plpgsql
as $$
declare
  per_type constant integer := limits ->> 'maxConcurrent';
  per_key constant integer := limits ->> 'maxConcurrentPerKey';
  per_window constant integer := limits #>> '{rate,count}';
  window_seconds constant double precision := limits #>> '{rate,perSeconds}';
  has_keys constant boolean := per_key is not null or coalesce((limits #>> '{rate,keyed}')::boolean, false);
  enough constant integer := 256 + 2 * most;
  most_walked constant integer := 10000;
  most_spots constant integer := 1000;
  -- Longer than any start takes. A start that was never told of, because its runner died, counts for so much longer.
  longest_start constant interval := '30 seconds';
  at timestamptz;
  due timestamptz;
  free integer := most;
  full_keys text[];
  candidates uuid[];
  picked uuid[] := '{}';
  pass text;
  anywhere bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended('heddle limit ' || of_type, 0));
  at := clock_timestamp();
  due := at - make_interval(secs => coalesce(aged_seconds, 0));

  if not exists (
    select from runners r
    where r.id = for_runner and r.status = 'active' and r.last_seen_at > at - make_interval(secs => r.lease_seconds)
  ) then
    return;
  end if;

  if per_type is not null then
    free := least(free, per_type - (
      select count(*) from tasks where type = of_type and status = 'running' and concurrency_key is not null));
    if free <= 0 then
      return;
    end if;
  end if;

  -- Without functions of its own a type needs no thread for its keys. More at a time than are claimed, so that none
  -- stays behind for ever.
  if not has_keys then
    update tasks
    set concurrency_key = '', rate_key = ''
    where id = any(array(
      select id
      from tasks
      where type = of_type and status = 'queued' and concurrency_key is null and run_at <= at
      order by priority, run_at, id
      limit 100 + 2 * free
      for no key update skip locked
    ));
  end if;

  if per_key is not null then
    full_keys := array(
      select concurrency_key
      from tasks
      where type = of_type and status = 'running' and concurrency_key is not null and concurrency_key <> ''
      group by concurrency_key
      having count(*) >= per_key);
  end if;

  foreach pass in array case when aged_seconds is null then array['in order', 'by key'] else array['by age'] end loop
    if pass = 'in order' then
      candidates := array(
        select id
        from (
          select id, concurrency_key
          from tasks
          where type = of_type and status = 'queued' and concurrency_key is not null and run_at <= due
          order by priority, run_at, id
          limit most_walked
        ) walked
        where full_keys is null or concurrency_key <> all(full_keys)
        limit enough);
    elsif pass = 'by age' then
      candidates := array(
        with recursive levels as (
          select min(priority) as priority
          from tasks
          where type = of_type and status = 'queued' and concurrency_key is not null
          union all
          select (
            select min(t.priority)
            from tasks t
            where t.type = of_type and t.status = 'queued' and t.concurrency_key is not null and t.priority > l.priority)
          from levels l
          where l.priority is not null
        )
        select c.id
        from levels l
        cross join lateral (
          select walked.id
          from (
            select t.id, t.concurrency_key
            from tasks t
            where t.type = of_type and t.status = 'queued' and t.concurrency_key is not null
              and t.priority = l.priority and t.run_at <= due
            order by t.run_at, t.id
            limit most_walked
          ) walked
          where full_keys is null or walked.concurrency_key <> all(full_keys)
          limit enough
        ) c);
    else
      -- Spots are compared as rows, also where single columns would do: then no other index serves, and statistics that
      -- say there are no tasks cannot mislead the planner to walk another one for each spot (6 seconds for 2,000).
      anywhere := (random() - 0.5) * 1.8e19;
      candidates := array(
        with recursive spots as (
          (
            select heddle_key_hash(concurrency_key, rate_key) as hash, concurrency_key, rate_key, priority, false as wrapped
            from tasks
            where type = of_type and status = 'queued' and concurrency_key is not null
              and heddle_key_hash(concurrency_key, rate_key) >= anywhere
            order by heddle_key_hash(concurrency_key, rate_key), concurrency_key, rate_key, priority
            limit 1
          )
          union all
          (
            select heddle_key_hash(concurrency_key, rate_key), concurrency_key, rate_key, priority, true
            from tasks
            where type = of_type and status = 'queued' and concurrency_key is not null
              and heddle_key_hash(concurrency_key, rate_key) < anywhere
            order by heddle_key_hash(concurrency_key, rate_key), concurrency_key, rate_key, priority
            limit 1
          )
          union all
          select next.*, s.wrapped
          from spots s
          cross join lateral (
            (
              select heddle_key_hash(t.concurrency_key, t.rate_key) as hash, t.concurrency_key, t.rate_key, t.priority
              from tasks t
              where t.type = of_type and t.status = 'queued' and t.concurrency_key is not null
                and (heddle_key_hash(t.concurrency_key, t.rate_key), t.concurrency_key, t.rate_key, t.priority)
                  > (s.hash, s.concurrency_key, s.rate_key, s.priority)
                and (full_keys is null or s.concurrency_key <> all(full_keys))
              order by heddle_key_hash(t.concurrency_key, t.rate_key), t.concurrency_key, t.rate_key, t.priority
              limit 1
            )
            union all
            (
              select heddle_key_hash(t.concurrency_key, t.rate_key), t.concurrency_key, t.rate_key, t.priority
              from tasks t
              where t.type = of_type and t.status = 'queued' and t.concurrency_key is not null
                and heddle_key_hash(t.concurrency_key, t.rate_key) > s.hash and s.concurrency_key = any(full_keys)
              order by heddle_key_hash(t.concurrency_key, t.rate_key), t.concurrency_key, t.rate_key, t.priority
              limit 1
            )
          ) next
          where not s.wrapped or next.hash < anywhere
        )
        select c.id
        from (select * from spots limit most_spots) s
        cross join lateral (
          select t.id
          from tasks t
          where t.type = of_type and t.status = 'queued' and t.concurrency_key is not null
            and (heddle_key_hash(t.concurrency_key, t.rate_key), t.concurrency_key, t.rate_key, t.priority, t.run_at)
              >= (s.hash, s.concurrency_key, s.rate_key, s.priority, '-infinity')
            and (heddle_key_hash(t.concurrency_key, t.rate_key), t.concurrency_key, t.rate_key, t.priority, t.run_at)
              <= (s.hash, s.concurrency_key, s.rate_key, s.priority, due)
          order by heddle_key_hash(t.concurrency_key, t.rate_key), t.concurrency_key, t.rate_key, t.priority, t.run_at, t.id
          limit least(free, per_key)
        ) c
        where full_keys is null or s.concurrency_key <> all(full_keys));
    end if;

    -- What cannot start at all is left out before anything is counted: it would take the place of what can.
    picked := array(
      with waiting as (
        select t.id, t.concurrency_key, t.rate_key, t.priority, t.run_at,
          case when aged_seconds is null then t.priority end as urgency
        from tasks t
        where t.id = any(candidates)
      ),
      slots as (
        select w.concurrency_key, per_key - (
          select count(*)
          from tasks r
          where r.type = of_type and r.status = 'running' and r.concurrency_key = w.concurrency_key) as free
        from (select distinct concurrency_key from waiting) w
        where per_key is not null and w.concurrency_key <> ''
      ),
      starts as (
        select w.rate_key, per_window - coalesce((
          select sum(s.starts)
          from task_starts s
          where s.type = of_type and s.rate_key = w.rate_key and s.until > at), 0) as free
        from (select distinct rate_key from waiting) w
        where per_window is not null
      ),
      open as (
        select w.*, slots.free as free_slots, starts.free as free_starts
        from waiting w
        left join slots using (concurrency_key)
        left join starts using (rate_key)
        where coalesce(slots.free, 1) > 0 and coalesce(starts.free, 1) > 0
      ),
      within_key as (
        select *, row_number() over (partition by concurrency_key order by urgency, run_at, priority, id) as nth_of_key
        from open
      ),
      within_rate as (
        select *, row_number() over (partition by rate_key order by urgency, run_at, priority, id) as nth_of_rate
        from within_key
        where free_slots is null or nth_of_key <= free_slots
      )
      select id
      from within_rate
      where free_starts is null or nth_of_rate <= free_starts
      order by urgency, run_at, priority, id
      limit free);

    -- Fewer than enough, and no key was passed over: then there is no more.
    exit when cardinality(picked) = free
      or (cardinality(candidates) < enough and coalesce(cardinality(full_keys), 0) = 0);
  end loop;

  return query
  with claimed as (
    update tasks
    set status = 'running', attempt = attempt + 1, claim_token = nextval('claim_tokens'), runner_id = for_runner,
      started_at = at, last_run_at = at, finished_at = null, updated_at = at, progress = null
    where id = any(array(select id from tasks where id = any(picked) and status = 'queued' for update skip locked))
    returning *
  ),
  reserved as (
    insert into task_starts (type, rate_key, until, claim_token, starts)
    select type, rate_key, at + make_interval(secs => window_seconds) + longest_start, claim_token, 1
    from claimed
    where per_window is not null
  )
  select * from claimed order by priority, run_at, id;
end
$$;
