/**
 * $1 id, $2 host, $3 pid, $4 process space, $5 version, $6 mode, $7 role, $8 status, $9 lease, $10 types, $11 threads as
 * JSON, each with its age. Says whether the runner leads. Nothing is returned when it counts as stopped or lost: that is final, and it
 * has to go on under another id.
 */
export const BE_SEEN = `
insert into runners as r (id, host, pid, process_space, version, mode, role, status, lease_seconds, task_types, threads)
select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, coalesce(jsonb_agg(jsonb_build_object(
  'id', t.id, 'task_id', t.task_id, 'task_type', t.task_type,
  'since', to_char((now() - make_interval(secs => t.age_ms / 1000)) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
)), '[]')
from jsonb_to_recordset($11::jsonb) as t(id int4, task_id uuid, task_type text, age_ms float8)
on conflict (id) do update set
  role = excluded.role, status = excluded.status, last_seen_at = now(), task_types = excluded.task_types,
  threads = excluded.threads
where r.status not in ('stopped', 'lost')
returning exists (select from leadership l where l.runner_id = r.id) as leads`;

/**
 * $1 a runner. Taken by it at its session's start: PostgreSQL gives it back the moment that the process dies. It
 * proves nothing alone, because a session can break and its runner live.
 */
export const SHOW_SESSION = `select pg_try_advisory_lock(hashtextextended($1::text, 0)) as shown`;

/** $1 a runner: whether its session lives. */
export const HAS_SESSION = `
select exists (
  select from pg_locks
  where locktype = 'advisory' and granted and objsubid = 1
    and database = (select oid from pg_database where datname = current_database())
    and (classid::int8 << 32) | objid::int8 = hashtextextended($1::text, 0)
) as lives`;

/** $1 a runner: whether it may claim. Part of the claim, so that one that others have taken for dead gets nothing. */
export const MAY_CLAIM = `
exists (
  select from runners r
  where r.id = $1 and r.status = 'active' and r.last_seen_at > now() - make_interval(secs => r.lease_seconds))`;
