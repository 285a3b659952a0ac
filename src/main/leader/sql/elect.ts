/*
 * Who leads is a row, and no session's lock: that holds behind a transaction pooler too, and a leader that is frozen,
 * or cut off from the database, does not lead for ever. It leads for as long as its runner counts as alive.
 */

/** Who leads, and how it is. Nothing when nobody ever led; all but id and epoch is null when its runner's row is gone. */
export const LEADER = `
select l.runner_id as id, l.epoch, r.host, r.pid, r.process_space, r.status, r.lease_seconds, r.last_seen_at::text as last_seen_at,
  extract(epoch from now() - r.last_seen_at)::float8 as silent_seconds
from leadership l
left join runners r on r.id = l.runner_id`;

/**
 * $1 who stands; $2 the epoch, $3 the leader and $4 when it was last seen, as LEADER said.
 *
 * The leader counts as lost from this very statement on: its heartbeats, its claims and its rescues are refused. One
 * that was heard of since then stays: its heartbeat writes the row that is to be marked, and so comes before or after,
 * never beside. Of several that stand at once the epoch lets one win.
 */
export const TAKE_THE_LEAD = `
with lost as (
  update runners set status = 'lost'
  where id = $3 and status not in ('stopped', 'lost') and last_seen_at = $4::timestamptz
  returning id
)
insert into leadership as l (one, runner_id, epoch)
select true, $1, 1
where exists (select from runners where id = $1 and status not in ('stopped', 'lost'))
  and (exists (select from lost) or not exists (select from runners where id = $3 and status not in ('stopped', 'lost')))
on conflict (one) do update set runner_id = $1, epoch = l.epoch + 1, since = now()
where l.epoch = $2
returning l.epoch`;

/** $n a runner: whether it leads, and counts as alive. Part of what only a leader may write. */
export function leads(runner: string): string {
  return `
exists (
  select from leadership l
  join runners r on r.id = l.runner_id
  where l.runner_id = ${runner} and r.status not in ('stopped', 'lost'))`;
}
