import { randomUUID } from 'node:crypto';
import type { Queryable } from '../../src/main/database/connect.ts';
import type { Status } from '../../src/main/engine/task.ts';

/** Brings a task into a state as a runner would have left it, without a runner. */
export async function putInto(database: Queryable, id: string, status: Status): Promise<void> {
  await database.query(TRANSITIONS[status], TRANSITIONS[status].includes('$2') ? [id, randomUUID()] : [id]);
}

const STARTED = `attempt = 1, runner_id = $2, thread_id = 1, claim_token = nextval('claim_tokens'), started_at = now()`;

const TRANSITIONS: Record<Status, string> = {
  created: `update tasks set status = 'created' where id = $1`,
  queued: `update tasks set status = 'queued', run_at = now() + interval '10 minutes', error = 'the last one' where id = $1`,
  running: `update tasks set status = 'running', ${STARTED} where id = $1`,
  completed: `update tasks set status = 'completed', ${STARTED}, finished_at = now(), result = '{"done":true}' where id = $1`,
  failed: `update tasks set status = 'failed', ${STARTED}, finished_at = now(), error = 'no luck' where id = $1`,
  cancelled: `update tasks set status = 'cancelled', finished_at = now(), error = 'cancelled' where id = $1`,
};
