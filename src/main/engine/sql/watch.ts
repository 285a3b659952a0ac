/** The most lines, and about the most bytes of them, that one answer holds of a task. A line longer than that comes alone. */
const LINES = 200;
const BYTES = 256 * 1024;

/**
 * What is kept of tasks beyond what somebody was told, all as of one moment: one statement is one snapshot. In the order
 * asked; each with $1 the task's id, $2 the latest change by hand, $3 the claim token of the latest attempt whose end was
 * told, $4 the latest line. A task that is gone has no status.
 *
 * Everything is found by number: no line may become visible after a later one was. Numbers are drawn before a
 * transaction commits, so this needs a single writer. It is so: the runner that holds the task writes its lines in
 * order, one statement after the other, and settles only when all of them are written (see Engine.beforeSettling);
 * the next runner comes after that, or after a rescue, which ends the connections of the one before first.
 *
 * Of lines only a page is read, by the index. An answer holds all the rest: attempts and changes by hand are few.
 */
export const TOLD_SINCE = `
select t.status, t.attempt, t.runner_id, t.thread_id, t.started_at, t.finished_at, t.created_at, t.updated_at,
  t.submitted_by, t.claim_token, t.error, t.progress,
  case when t.status in ('completed', 'failed', 'cancelled') then t.result end as result,
  extract(epoch from clock_timestamp() - t.updated_at)::float8 as quiet_seconds,
  attempts.items as attempts, by_hand.items as by_hand, lines.items as lines, lines.more
from unnest($1::uuid[], $2::int8[], $3::int8[], $4::int8[]) with ordinality as asked (id, hand, ended, line, place)
left join tasks t on t.id = asked.id
left join lateral (
  select coalesce(json_agg(json_build_object(
    'attempt', attempt, 'runner_id', runner_id, 'thread_id', thread_id, 'started_at', started_at,
    'finished_at', finished_at, 'outcome', outcome, 'message', error ->> 'message',
    'claim_token', claim_token::text, 'status_after', status_after) order by claim_token), '[]') as items
  from task_attempts
  where task_id = asked.id and claim_token > asked.ended
) attempts on true
left join lateral (
  select coalesce(json_agg(json_build_object(
    'id', id::text, 'at', at, 'from_status', from_status, 'to_status', to_status, 'attempt', attempt,
    'actor', actor, 'detail', detail) order by id), '[]') as items
  from task_events
  where task_id = asked.id and id > asked.hand
) by_hand on true
left join lateral (
  select
    coalesce(json_agg(json_build_object(
      'id', id::text, 'at', at, 'attempt', attempt, 'level', level, 'message', message, 'fields', fields
    ) order by id) filter (where bytes_before < ${BYTES}), '[]') as items,
    count(*) = ${LINES} or coalesce(max(bytes_before), 0) >= ${BYTES} as more
  from (
    select page.*, sum(bytes) over (order by id) - bytes as bytes_before
    from (
      select l.*, octet_length(message) + pg_column_size(fields) as bytes
      from task_logs l
      where task_id = asked.id and id > asked.line
      order by id
      limit ${LINES}
    ) page
  ) counted
) lines on true
order by asked.place`;
