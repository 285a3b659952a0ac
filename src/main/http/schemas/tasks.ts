import { z } from 'zod';
import { taskAttempts } from '../../../../drizzle/schema/tasks.ts';
import { POSITION_TEXT } from '../../engine/position.ts';
import { instant, submissionBody } from '../../engine/submission.ts';
import { STATUSES } from '../../engine/task.ts';
import { digits, id, json, nextCursor, timestamp } from './common.ts';

/** `POST /tasks/batch`. */
export const batchBody = z
  .strictObject({
    tasks: z
      .array(submissionBody)
      .min(1, 'must have at least 1 task')
      .max(1000, 'must have at most 1000 tasks'),
  })
  .meta({ id: 'Batch' });

/** `GET /tasks`. Unknown parameters are not looked at. */
export const taskListQuery = z
  .object({
    status: z.array(z.enum(STATUSES, `must be one of ${STATUSES.join(', ')}`)).optional(),
    type: z.string().optional(),
    domain: z.string().optional(),
    unique_key: z.string().optional(),
    created_after: instant.optional(),
    created_before: instant.optional(),
    q: z
      .string()
      .optional()
      .meta({ description: 'Occurs in the description, the error or the params, in upper or lower case' }),
    limit: digits(1, 1000).default(50),
    cursor: z.string().optional().meta({ description: 'The next_cursor of the page before' }),
    offset: digits(0, Number.MAX_SAFE_INTEGER).optional(),
  })
  .refine((query) => query.cursor === undefined || query.offset === undefined, {
    path: ['offset'],
    message: 'cannot be combined with cursor',
  });

const status = z.enum(STATUSES);

/** A task as callers see it. */
export const task = z
  .object({
    id,
    type: z.string(),
    description: z.string().nullable(),
    params: z.record(z.string(), json),
    domain: z.string().nullable(),
    drift_score: z.number(),
    status,
    result: json,
    error: z.string().nullable().meta({ description: "The last error's message" }),
    created_at: timestamp,
    updated_at: timestamp,
    priority: z.int().min(-100).max(100).meta({ description: 'Smaller runs first' }),
    run_at: timestamp,
    attempt: z.int().min(0),
    max_retries: z.int().min(0),
    started_at: timestamp.nullable(),
    finished_at: timestamp.nullable(),
    last_run_at: timestamp.nullable(),
    progress: z.object({ fraction: z.number(), message: z.string().nullable() }).nullable(),
    unique_key: z.string().nullable(),
    depends_on: z.array(id),
    runner_id: id.nullable(),
    cancel_requested_at: timestamp.nullable(),
  })
  .meta({ id: 'Task' });

/** What a submission is answered with. */
export const submittedTask = task
  .extend({
    deduplicated: z.literal(true).optional().meta({ description: 'The same work was there already' }),
  })
  .meta({ id: 'SubmittedTask' });

export const submittedTasks = z.object({ items: z.array(submittedTask) }).meta({ id: 'SubmittedTasks' });

export const taskPage = z
  .object({
    items: z.array(task),
    total: z.int().min(0),
    total_is_estimate: z.literal(true).optional(),
    next_cursor: nextCursor,
  })
  .meta({ id: 'TaskPage' });

export const taskStatus = z
  .object({ id, status, updated_at: timestamp, error: z.string().nullable() })
  .meta({ id: 'TaskStatus' });

/** A state change, the oldest first. */
export const stateChanges = z
  .object({
    items: z.array(
      z
        .object({
          at: timestamp,
          from: status.nullable(),
          to: status,
          attempt: z.int().min(0),
          actor: z.string(),
          detail: z.string().nullable(),
        })
        .meta({ id: 'StateChange' }),
    ),
  })
  .meta({ id: 'StateChanges' });

const errorRecord = z
  .object({
    name: z.string(),
    message: z.string(),
    stack: z.string().nullable(),
    code: z.union([z.string(), z.number()]).nullable(),
    get cause() {
      return errorRecord.nullable();
    },
  })
  .meta({ id: 'ErrorRecord' });

export const attempts = z
  .object({
    items: z.array(
      z
        .object({
          attempt: z.int().min(0),
          runner_id: id.nullable(),
          thread_id: z.int().nullable(),
          started_at: timestamp.nullable(),
          finished_at: timestamp.nullable(),
          outcome: z
            .enum(taskAttempts.outcome.enumValues)
            .nullable()
            .meta({ description: 'null while it runs' }),
          error: errorRecord.nullable(),
        })
        .meta({ id: 'Attempt' }),
    ),
  })
  .meta({ id: 'Attempts' });

export const logLines = z
  .object({
    items: z.array(
      z
        .object({
          at: timestamp,
          attempt: z.int().min(0),
          level: z.string(),
          message: z.string(),
          fields: z.record(z.string(), json),
        })
        .meta({ id: 'LogLine' }),
    ),
  })
  .meta({ id: 'LogLines' });

/** `GET /tasks/{id}/logs`. */
export const logsQuery = z.object({
  last_event_id: z
    .string()
    .regex(POSITION_TEXT, 'is not the id of an event of such a stream')
    .optional()
    .meta({ description: 'The same as the header Last-Event-ID, for who cannot send it' }),
  poll_interval: z
    .string()
    .optional()
    .meta({ description: 'Asks for the stream, too: clients of SeedCore send it. Its value means nothing' }),
});

/** The text of server-sent events. */
export const eventStreamText = z.string();
