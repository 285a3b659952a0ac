import { randomUUID } from 'node:crypto';
import type { Queryable } from '../../src/main/database/connect.ts';
import type { Outcome } from '../../src/main/engine/outcome.ts';
import { Settler } from '../../src/main/engine/settle.ts';
import type { Settlement } from '../../src/main/engine/settlement.ts';
import { captureEvents } from './capture-events.ts';

/** How a task is to end. */
export type Ending = 'completed' | 'failed' | 'cancelled';

/** A task that a runner has claimed. */
export type Claimed = { id: string; type: string; claim_token: string; attempt: number; max_retries: number };

/** Runs tasks and ends them all alike, as a runner would in one settle, without a runner. */
export async function endAs(database: Queryable, ending: Ending, ids: readonly string[]): Promise<void> {
  await endEach(database, new Map(ids.map((id) => [id, ending])));
}

/** The same, each in its own way. */
export async function endEach(database: Queryable, endings: ReadonlyMap<string, Ending>): Promise<void> {
  const tasks = await begin(database, [...endings.keys()]);
  await settle(
    database,
    tasks.map((task) => ({ task, outcome: OUTCOMES[endings.get(task.id) as Ending] })),
  );
}

/** Claims tasks as a runner would. */
export async function begin(database: Queryable, ids: readonly string[]): Promise<Claimed[]> {
  const { rows } = await database.query<Claimed>(BEGIN, [ids, randomUUID()]);
  return rows;
}

/** Settles claimed tasks in one batch. Resolves when it is written. */
export async function settle(
  database: Queryable,
  attempts: readonly { task: Claimed; outcome: Outcome }[],
): Promise<void> {
  const settler = new Settler(database, captureEvents().observe, {
    beforeSettling: () => Promise.resolve(),
    settled() {},
  });
  for (const { task, outcome } of attempts) settler.add(settlement(task, outcome));
  await settler.written();
}

/** Of an attempt that has just ended. */
export function settlement(task: Claimed, outcome: Outcome): Settlement {
  return {
    task: {
      ...task,
      attempts_forgiven: 0,
      cancel_requested: false,
      retry: { strategy: 'cooldown', seconds: 0 },
    },
    outcome,
    settledByTask: false,
    ranMs: 0,
    waitedMs: null,
    endedAt: performance.now(),
    threadId: 1,
  };
}

export const OUTCOMES: Record<Ending, Outcome> = {
  completed: { name: 'succeeded', result: '{"done":true}' },
  failed: { name: 'invalid', error: { name: 'Error', message: 'no luck' } },
  cancelled: { name: 'cancelled', error: { name: 'Cancelled', message: 'cancelled while it was running' } },
};

const BEGIN = `
update tasks
set status = 'running', attempt = attempt + 1, runner_id = $2, claim_token = nextval('claim_tokens'), started_at = now()
where id = any($1::uuid[])
returning id, type, claim_token, attempt, max_retries`;
