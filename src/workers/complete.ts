import { threadId } from 'node:worker_threads';
import type { PoolClient } from 'pg';
import type { AttemptScope } from './attempt.ts';
import { StaleAttemptError } from './define-task.ts';
import { toJson } from './report.ts';

/**
 * Completes the scope's task in the transaction that `client` has open.
 * @throws StaleAttemptError when the attempt no longer holds its task, or the task is to be cancelled
 * @throws TypeError when the result is not JSON
 */
export async function complete(
  scope: AttemptScope,
  client: Pick<PoolClient, 'query'>,
  result: unknown,
): Promise<void> {
  const { taskId, claimToken, attempt } = scope.order;
  const { rowCount } = await client.query(COMPLETE, [taskId, claimToken, toJson(result).json, threadId]);
  if (rowCount === 0) throw new StaleAttemptError(`attempt ${attempt} no longer holds task ${taskId}`);
  scope.settledByTask = true;
}

/**
 * The one settle that a thread writes, fenced like every other. The times are of the clock and not of the
 * transaction, which may have been open for long; a tick is counted, and those that wait for the task are told, as the
 * runner's own settle would.
 */
const COMPLETE = `
with completed as (
  update tasks
  set status = 'completed', result = $3::jsonb, error = null, finished_at = clock_timestamp(), updated_at = clock_timestamp(),
    thread_id = $4
  where id = $1 and claim_token = $2 and status = 'running' and cancel_requested_at is null
  returning id, type, slot, started_at, finished_at, has_dependants
),
counted as (
  update periodic_tasks p
  set runs = runs + 1, last_run_at = c.started_at, last_status = 'completed',
    last_duration_ms = extract(epoch from c.finished_at - c.started_at) * 1000
  from completed c
  where p.name = c.type
),
released as materialized (
  select heddle_release(array[id]) from completed where has_dependants
)
select id from completed where (select count(*) from released) >= 0`;
