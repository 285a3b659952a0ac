import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgSequence,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';

/* Property names are the column names, so that a row read by raw SQL and one read through drizzle have one type. */

const instant = () => timestamp({ withTimezone: true });
const newId = sql`heddle_uuid_v7()`;
const now = sql`now()`;

/** Fences settles: every claim draws the next value, so that a stale attempt can never name a current one. */
export const claimTokens = pgSequence('claim_tokens');

/** A task: one row, one piece of work asked for. Finished rows stay until they are pruned. */
export const tasks = pgTable(
  'tasks',
  {
    id: uuid().primaryKey().default(newId),
    type: text().notNull(),
    description: text(),
    params: jsonb().notNull().default({}),
    domain: text(),
    drift_score: doublePrecision().notNull().default(0),
    status: text({ enum: ['created', 'queued', 'running', 'completed', 'failed', 'cancelled'] })
      .notNull()
      .default('created'),
    result: jsonb(),
    error: text(),
    created_at: instant().notNull().default(now),
    updated_at: instant().notNull().default(now),
    priority: smallint().notNull().default(0),
    run_at: instant().notNull().default(now),
    attempt: integer().notNull().default(0),
    max_retries: integer().notNull().default(3),
    started_at: instant(),
    finished_at: instant(),
    last_run_at: instant(),
    progress: jsonb().$type<{ fraction: number; message: string | null }>(),
    unique_key: text(),
    depends_on: uuid().array().notNull().default(sql`'{}'`),
    runner_id: uuid(),
    cancel_requested_at: instant(),

    // What only the engine reads.
    claim_token: bigint({ mode: 'bigint' }),
    /** The thread that ran the latest attempt. */
    thread_id: integer(),
    /** Shortens the type's timeout for this task. */
    timeout_seconds: doublePrecision(),
    on_dependency_failure: text({ enum: ['cancel', 'run'] })
      .notNull()
      .default('cancel'),
    /** Whether the end of its dependencies queues it: else it stays `created` until somebody runs it. */
    run_when_released: boolean().notNull().default(true),
    /** Another task depends on it, or did: only then its end concerns anybody else. */
    has_dependants: boolean().notNull().default(false),
    /** Attempts that no longer count against max_retries, because somebody asked to run the task anew. */
    attempts_forgiven: integer().notNull().default(0),
    /** The tick of a periodic task: one row a type and slot, for ever. */
    slot: instant(),
    /** Who asked for it: `api:NAME`, `scheduler`, `task:ID`, `sql:NAME`; `sql` when a row was inserted by hand. */
    submitted_by: text().notNull().default('sql'),
    /**
     * What a type's limits count it under; `''` where the type has no such key. Both are null until a runner has
     * looked at the task, and for ever in a type without limits.
     */
    concurrency_key: text(),
    rate_key: text(),
    /** The trace that its submission belongs to, as W3C's header of that name has it. */
    traceparent: text(),
  },
  (t) => [
    check(
      'tasks_status_known',
      sql`${t.status} in ('created', 'queued', 'running', 'completed', 'failed', 'cancelled')`,
    ),
    check('tasks_priority_range', sql`${t.priority} between -100 and 100`),
    check('tasks_on_dependency_failure_known', sql`${t.on_dependency_failure} in ('cancel', 'run')`),
    check(
      'tasks_running_has_claim',
      sql`${t.status} <> 'running' or (${t.claim_token} is not null and ${t.runner_id} is not null)`,
    ),
    // Claims probe this once a type: what another type piles up, or what is due tomorrow, is never walked through.
    // Tasks with keys are not in it, so that those that need one are found however many wait for a slot.
    index('tasks_ready')
      .on(t.type, t.priority, t.run_at, t.id)
      .where(sql`status = 'queued' and concurrency_key is null`),
    index('tasks_running').on(t.runner_id).where(sql`status = 'running'`),
    index('tasks_ended_badly').on(t.status, t.id).where(sql`status in ('failed', 'cancelled')`),
    // Lists. None of them is written by a claim: a task enters one when it is submitted and the others when it ends.
    index('tasks_created').on(t.id).where(sql`status = 'created'`),
    index('tasks_queued').on(t.id).where(sql`status = 'queued'`),
    index('tasks_completed').on(t.id).where(sql`status = 'completed'`),
    index('tasks_finished_by_type')
      .on(t.type, t.id)
      .where(sql`status in ('completed', 'failed', 'cancelled')`),
    index('tasks_by_domain').on(t.domain, t.id).where(sql`domain is not null`),
    index('tasks_by_unique_key').on(t.unique_key, t.id).where(sql`unique_key is not null`),
    // Ids tell when a task was created, but for those in here: as good as none.
    index('tasks_dated_otherwise').on(t.created_at).where(sql`heddle_dated_otherwise(id, created_at)`),
    // The same for tasks with keys: in their order, key by key, and to count what runs. Other types have no entry here.
    index('tasks_ready_keyed')
      .on(t.type, t.priority, t.run_at, t.id)
      .where(sql`status = 'queued' and concurrency_key is not null`),
    index('tasks_ready_by_key')
      .on(
        t.type,
        sql`heddle_key_hash(concurrency_key, rate_key)`,
        t.concurrency_key,
        t.rate_key,
        t.priority,
        t.run_at,
        t.id,
      )
      .where(sql`status = 'queued' and concurrency_key is not null`),
    index('tasks_running_keyed')
      .on(t.type, t.concurrency_key)
      .where(sql`status = 'running' and concurrency_key is not null`),
    uniqueIndex('tasks_unfinished_unique_key')
      .on(t.type, t.unique_key)
      .where(sql`unique_key is not null and status in ('created', 'queued', 'running')`),
    uniqueIndex('tasks_slot').on(t.type, t.slot).where(sql`slot is not null`),
  ],
);

/**
 * What waits for what: a row for each entry of `depends_on`. `open` until the dependency has ended; a task is released
 * when none of its own is open any more. A dependency stays for as long as an unfinished task has it: whoever adds a
 * row, or deletes a task, has locked the dependency's row. A foreign key would ask for the same a second time.
 */
export const taskDependencies = pgTable(
  'task_dependencies',
  {
    task_id: uuid()
      .notNull()
      .references(() => tasks.id, { onDelete: 'cascade' }),
    depends_on: uuid().notNull(),
    open: boolean().notNull().default(true),
  },
  (t) => [
    primaryKey({ columns: [t.task_id, t.depends_on] }),
    index('task_dependencies_dependants').on(t.depends_on),
    // Whether a task still waits: closed rows, of which it can have thousands, are not walked through.
    index('task_dependencies_open').on(t.task_id, t.depends_on).where(sql`open`),
  ],
);

/**
 * Attempts that did not end with a completed task. The one that did is told by the task's own row: that keeps the
 * happy path at one write.
 */
export const taskAttempts = pgTable(
  'task_attempts',
  {
    task_id: uuid()
      .notNull()
      .references(() => tasks.id, { onDelete: 'cascade' }),
    claim_token: bigint({ mode: 'bigint' }).notNull(),
    attempt: integer().notNull(),
    runner_id: uuid().notNull(),
    thread_id: integer(),
    started_at: instant().notNull(),
    finished_at: instant().notNull().default(now),
    outcome: text({
      enum: ['succeeded', 'failed', 'invalid', 'timed_out', 'cancelled', 'lost', 'given_back', 'snoozed'],
    }).notNull(),
    error: jsonb().$type<TaskError>(),
    /** What the task became by it. */
    status_after: text().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.task_id, t.claim_token] }),
    check(
      'task_attempts_outcome_known',
      sql`${t.outcome} in ('succeeded', 'failed', 'invalid', 'timed_out', 'cancelled', 'lost', 'given_back', 'snoozed')`,
    ),
  ],
);

/** How an attempt's error is kept. `cause` is the next in the chain, of the same shape. */
export interface TaskError {
  name: string;
  message: string;
  stack?: string;
  code?: string | number;
  cause?: TaskError;
}

/**
 * State changes that neither the task's row nor its attempts tell: somebody ran or cancelled it by hand, or its
 * dependencies ended.
 */
export const taskEvents = pgTable(
  'task_events',
  {
    id: bigint({ mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
    task_id: uuid()
      .notNull()
      .references(() => tasks.id, { onDelete: 'cascade' }),
    at: instant().notNull().default(now),
    from_status: text(),
    to_status: text().notNull(),
    attempt: integer().notNull(),
    actor: text().notNull(),
    detail: text(),
  },
  (t) => [index('task_events_task').on(t.task_id, t.id)],
);

/** What tasks wrote to their `log`. */
export const taskLogs = pgTable(
  'task_logs',
  {
    id: bigint({ mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
    task_id: uuid()
      .notNull()
      .references(() => tasks.id, { onDelete: 'cascade' }),
    attempt: integer().notNull(),
    at: instant().notNull(),
    level: text().notNull(),
    message: text().notNull(),
    fields: jsonb().notNull().default({}),
  },
  (t) => [index('task_logs_task').on(t.task_id, t.id)],
);

/**
 * What counts against rate limits: starts that are still in their window. One that is claimed and has not begun has a
 * row of its own, under its claim token; those that have begun within about a thousandth of a window share one.
 */
export const taskStarts = pgTable(
  'task_starts',
  {
    type: text().notNull(),
    rate_key: text().notNull(),
    /** When they leave the window. */
    until: instant().notNull(),
    /** 0 for those that have begun. */
    claim_token: bigint({ mode: 'bigint' }).notNull(),
    starts: integer().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.type, t.rate_key, t.until, t.claim_token] }),
    // When the next one may start, and what can be deleted.
    index('task_starts_until').on(t.type, t.until),
  ],
);

/** What runners can run: published by them, read by the API, which never loads task code. */
export const taskTypes = pgTable(
  'task_types',
  {
    name: text().primaryKey(),
    kind: text({ enum: ['database', 'periodic'] }).notNull(),
    description: text(),
    emoji: text(),
    payload_schema: jsonb().notNull().default({}),
    timeout_seconds: doublePrecision().notNull(),
    max_retries: integer().notNull(),
    retry: jsonb().$type<RetryPolicy>().notNull(),
    batch_size: integer(),
    poll_interval_seconds: doublePrecision().notNull(),
    deduplicate: text({ enum: ['none', 'payload', 'function'] })
      .notNull()
      .default('none'),
    /** How long its finished tasks are kept, where that is not as everywhere; 0 is for ever. */
    retention_completed_days: doublePrecision(),
    /** The same for failed and cancelled ones. */
    retention_failed_days: doublePrecision(),
    published_at: instant().notNull().default(now),
  },
  (t) => [
    check('task_types_kind_known', sql`${t.kind} in ('database', 'periodic')`),
    check('task_types_deduplicate_known', sql`${t.deduplicate} in ('none', 'payload', 'function')`),
  ],
);

export type RetryPolicy =
  | { strategy: 'cooldown'; seconds: number }
  | { strategy: 'exponential'; seconds: number; factor: number; maxSeconds: number; jitter: boolean };

/** The schedule of each periodic type and where it stands. */
export const periodicTasks = pgTable(
  'periodic_tasks',
  {
    name: text().primaryKey(),
    /** `every 30 seconds`, or a cron expression. */
    schedule: text().notNull(),
    timezone: text().notNull().default('UTC'),
    missed: text({ enum: ['skip', 'once', 'all'] })
      .notNull()
      .default('once'),
    overlap: text({ enum: ['skip', 'queue'] })
      .notNull()
      .default('skip'),
    run_on_start: boolean().notNull().default(false),
    paused: boolean().notNull().default(false),
    /** The latest slot that was submitted or skipped: every slot up to here is dealt with. */
    last_slot: instant(),
    next_run_at: instant(),
    last_run_at: instant(),
    last_status: text(),
    last_duration_ms: doublePrecision(),
    runs: bigint({ mode: 'number' }).notNull().default(0),
    failures: bigint({ mode: 'number' }).notNull().default(0),
  },
  (t) => [
    check('periodic_tasks_missed_known', sql`${t.missed} in ('skip', 'once', 'all')`),
    check('periodic_tasks_overlap_known', sql`${t.overlap} in ('skip', 'queue')`),
  ],
);

/** Runner processes, by the database's clock. */
export const runners = pgTable(
  'runners',
  {
    id: uuid().primaryKey(),
    host: text().notNull(),
    pid: integer().notNull(),
    /** Within one, a process id means one process: see `process-space.ts`. */
    process_space: text(),
    version: text().notNull(),
    mode: text({ enum: ['singleton', 'shared'] }).notNull(),
    role: text({ enum: ['leader', 'standby', 'member'] }).notNull(),
    status: text({ enum: ['active', 'standby', 'draining', 'degraded', 'stopped', 'lost'] }).notNull(),
    started_at: instant().notNull().default(now),
    last_seen_at: instant().notNull().default(now),
    lease_seconds: doublePrecision().notNull(),
    /** The types it can run. */
    task_types: text().array().notNull().default(sql`'{}'`),
    threads: jsonb()
      .$type<{ id: number; task_id: string | null; task_type: string | null; since: string | null }[]>()
      .notNull()
      .default([]),
  },
  (t) => [
    check('runners_mode_known', sql`${t.mode} in ('singleton', 'shared')`),
    check('runners_role_known', sql`${t.role} in ('leader', 'standby', 'member')`),
    check(
      'runners_status_known',
      sql`${t.status} in ('active', 'standby', 'draining', 'degraded', 'stopped', 'lost')`,
    ),
  ],
);

/** Who leads: one row. It does for as long as its runner lives. */
export const leadership = pgTable(
  'leadership',
  {
    one: boolean().primaryKey().default(true),
    runner_id: uuid().notNull(),
    /** Counts the leaders there were: of several that want to take over, one can raise it. */
    epoch: bigint({ mode: 'number' }).notNull(),
    since: instant().notNull().default(now),
  },
  (t) => [check('leadership_one_row', sql`${t.one}`)],
);
