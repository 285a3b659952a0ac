/** $1 id, $2 host, $3 pid, $4 version, $5 mode, $6 role, $7 status, $8 lease, $9 types, $10 threads as JSON. A beat under way does not bring back who has stopped. */
export const BE_SEEN = `
insert into runners (id, host, pid, version, mode, role, status, lease_seconds, task_types, threads)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (id) do update set
  role = excluded.role, status = excluded.status, last_seen_at = now(), task_types = excluded.task_types,
  threads = excluded.threads
where runners.status <> 'stopped'`;
