import type pg from 'pg';
import { pino } from 'pino';
import type { TaskContext } from '../../src/workers/define-task.ts';

export interface Attempt<Payload> {
  context: TaskContext<Payload>;
  controller: AbortController;
  /** What the attempt wrote to its log, as JSON lines. */
  lines: string[];
  /** The fractions it told. */
  progress: number[];
}

/** What `run` of a database task gets, without an engine: a running task's row, and a `complete` that writes to it. */
export async function attemptContext<Payload>(
  database: pg.Pool,
  type: string,
  payload: Payload,
): Promise<Attempt<Payload>> {
  const { rows } = await database.query<{ id: string; created_at: Date }>(RUNNING_TASK, [type, payload]);
  const [task] = rows as [{ id: string; created_at: Date }];
  const controller = new AbortController();
  const lines: string[] = [];
  const progress: number[] = [];
  const context: TaskContext<Payload> = {
    payload,
    signal: controller.signal,
    log: pino({ base: {} }, { write: (line) => void lines.push(line) }),
    progress: async (fraction) => void progress.push(fraction),
    database,
    submit: () => Promise.reject(new Error('there is no engine here')),
    task: {
      id: task.id,
      type,
      attempt: 1,
      maxRetries: 3,
      createdAt: task.created_at,
      domain: null,
      description: null,
      dependencies: [],
    },
    complete: async (client, result) => void (await client.query(COMPLETE, [task.id, result ?? null])),
  };
  return { context, controller, lines, progress };
}

const RUNNING_TASK = `
insert into tasks (type, params, status, attempt, claim_token, runner_id)
values ($1, $2, 'running', 1, nextval('claim_tokens'), gen_random_uuid())
returning id, created_at`;

const COMPLETE = `
update tasks set status = 'completed', result = $2, finished_at = now() where id = $1 and status = 'running'`;
