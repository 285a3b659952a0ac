import { asc, eq } from 'drizzle-orm';
import { taskAttempts, taskEvents, taskLogs, tasks } from '../../../drizzle/schema/tasks.ts';
import type { AttemptRow, EventRow, OwnRow } from '../engine/history.ts';
import type { Orm } from './orm.ts';

/** A line that a task wrote to its `log`. */
export type LogLine = Omit<typeof taskLogs.$inferSelect, 'id' | 'task_id'>;

/** What is kept of a task's history. */
export interface KeptHistory {
  task: OwnRow;
  attempts: AttemptRow[];
  byHand: EventRow[];
}

/** What is kept of a task's history, all as of one moment; undefined when there is no such task. */
export async function readHistory(orm: Orm, id: string): Promise<KeptHistory | undefined> {
  return orm.transaction(
    async (snapshot) => {
      const task = await readOwnRow(snapshot, id);
      if (task === undefined) return undefined;
      return { task, attempts: await readAttempts(snapshot, id), byHand: await readEvents(snapshot, id) };
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
}

/** What a task logged, oldest first. */
export async function readLogs(orm: Orm, id: string): Promise<LogLine[]> {
  return orm
    .select({
      at: taskLogs.at,
      attempt: taskLogs.attempt,
      level: taskLogs.level,
      message: taskLogs.message,
      fields: taskLogs.fields,
    })
    .from(taskLogs)
    .where(eq(taskLogs.task_id, id))
    .orderBy(asc(taskLogs.id));
}

type Reader = Pick<Orm, 'select'>;

async function readOwnRow(orm: Reader, id: string): Promise<OwnRow | undefined> {
  const [row] = await orm
    .select({
      status: tasks.status,
      attempt: tasks.attempt,
      runner_id: tasks.runner_id,
      thread_id: tasks.thread_id,
      started_at: tasks.started_at,
      finished_at: tasks.finished_at,
      created_at: tasks.created_at,
      submitted_by: tasks.submitted_by,
      claim_token: tasks.claim_token,
    })
    .from(tasks)
    .where(eq(tasks.id, id));
  return row;
}

/** By claim token, which only grows: attempts' numbers can be given back. */
async function readAttempts(orm: Reader, id: string): Promise<AttemptRow[]> {
  return orm
    .select({
      attempt: taskAttempts.attempt,
      runner_id: taskAttempts.runner_id,
      thread_id: taskAttempts.thread_id,
      started_at: taskAttempts.started_at,
      finished_at: taskAttempts.finished_at,
      outcome: taskAttempts.outcome,
      error: taskAttempts.error,
      claim_token: taskAttempts.claim_token,
      status_after: taskAttempts.status_after,
    })
    .from(taskAttempts)
    .where(eq(taskAttempts.task_id, id))
    .orderBy(asc(taskAttempts.claim_token));
}

async function readEvents(orm: Reader, id: string): Promise<EventRow[]> {
  return orm
    .select({
      id: taskEvents.id,
      at: taskEvents.at,
      from_status: taskEvents.from_status,
      to_status: taskEvents.to_status,
      attempt: taskEvents.attempt,
      actor: taskEvents.actor,
      detail: taskEvents.detail,
    })
    .from(taskEvents)
    .where(eq(taskEvents.task_id, id))
    .orderBy(asc(taskEvents.id));
}
