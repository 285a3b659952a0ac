/**
 * $1 the runner, $2 its minutes, as a JSON array, each with all that is known of it by now. A statement that has been
 * given up may still come through, later than the one that took its place: the one that knows more counts.
 */
export const WRITE_MINUTES = `
insert into attempt_minutes as m (runner_id, minute, attempts, completed, failed, retried, wait_ms, run_ms)
select $1, minute, attempts, completed, failed, retried, wait_ms, run_ms
from jsonb_to_recordset($2::jsonb) as g(
  minute int4, attempts int4, completed int4, failed int4, retried int4, wait_ms jsonb, run_ms jsonb)
on conflict (runner_id, minute) do update set
  attempts = excluded.attempts, completed = excluded.completed, failed = excluded.failed, retried = excluded.retried,
  wait_ms = excluded.wait_ms, run_ms = excluded.run_ms
where m.attempts < excluded.attempts`;
