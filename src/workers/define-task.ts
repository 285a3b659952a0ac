import type { Pool, PoolClient } from 'pg';
import type { Logger } from 'pino';
import type { z } from 'zod';

/*
 * What a task file imports (`heddle/define`). Nothing here runs anything: a definition is data with a function in it.
 *
 * Definitions and errors carry a brand, because a task may come from another folder with another copy of this file:
 * `instanceof` would not know them.
 */

const BRAND = Symbol.for('heddle');

/**
 * Defines a task type that is submitted. The file's name is the type's name; export the definition as default.
 */
export function defineDatabaseTask<Payload extends z.ZodType, Result>(
  definition: DatabaseTask<Payload, Result>,
): DatabaseTaskDefinition<Payload, Result> {
  return { ...definition, [BRAND]: 'database' };
}

/** Defines a task type that the scheduler submits, `every` so often or by `cron`. Export it as default. */
export function definePeriodicTask(definition: PeriodicTask): PeriodicTaskDefinition {
  return { ...definition, [BRAND]: 'periodic' };
}

/** Throw it to fail the task now: no retry will help. */
export class PermanentError extends Error {
  override name = 'PermanentError';
  readonly [BRAND] = 'PermanentError';
}

/** Throw it to run the task again after so many seconds, without using up a retry. */
export class RetryAfter extends Error {
  override name = 'RetryAfter';
  readonly [BRAND] = 'RetryAfter';
  readonly seconds: number;
  constructor(seconds: number, message = `to be run again in ${seconds} s`, options?: ErrorOptions) {
    super(message, options);
    this.seconds = seconds;
  }
}

/** Thrown by `complete` of an attempt that no longer holds its task. */
export class StaleAttemptError extends Error {
  override name = 'StaleAttemptError';
  readonly [BRAND] = 'StaleAttemptError';
}

/** The brand of a definition or error, whichever copy of this file made it. */
export function brandOf(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null ? (value as Branded)[BRAND] : undefined;
}

interface Branded {
  readonly [BRAND]?: string;
}

export interface DatabaseTask<Payload extends z.ZodType = z.ZodType, Result = unknown> extends Common {
  /** What `params` must be. Checked by the API as JSON Schema, and whole in the thread. */
  payload: Payload;
  /** What `run` returns, checked before it is kept. */
  result?: z.ZodType<Result>;
  /** The longest a due task waits when no notification arrives. @default 5 */
  pollIntervalSeconds?: number;
  /** The most attempts of this type that run at once in one runner. @default no limit but THREADS */
  batchSize?: number;
  /** The most attempts of this type that run at once, over all runners. @default no limit */
  maxConcurrent?: number;
  /** What a task counts as for `maxConcurrentPerKey`: 1 to 255 characters. Called once a task, before its first attempt. */
  concurrencyKey?: (payload: z.output<Payload>) => string;
  /** The most attempts with the same `concurrencyKey` that run at once, over all runners. @default 1 */
  maxConcurrentPerKey?: number;
  /** The most attempts that start in any window of so many seconds, over all runners. @default no limit */
  rateLimit?: RateLimit<z.output<Payload>>;
  /** Attempts after the first. @default 3 */
  maxRetries?: number;
  /** @default { strategy: 'cooldown', seconds: 600 } */
  retry?: Retry;
  /** Which unfinished task makes another one needless: one with equal params, or one with an equal key. @default 'none' */
  deduplicate?: 'none' | 'payload' | ((payload: z.output<Payload>) => string);
  run(context: TaskContext<z.output<Payload>>): Promise<Result> | Result;
}

export interface RateLimit<Payload = unknown> {
  count: number;
  perSeconds: number;
  /** Each key has a window of its own: 1 to 255 characters. Called once a task, before its first attempt. */
  key?: (payload: Payload) => string;
}

export type PeriodicTask = PeriodicCommon &
  (
    | { /** `30 seconds`, `5 minutes`, `1 hour`, `1 day` */ every: string; cron?: never; timezone?: never }
    | {
        /** Five or six fields; the day of month and the day of week: either. */
        cron: string;
        /** An IANA name. @default 'UTC' */
        timezone?: string;
        every?: never;
      }
  );

interface PeriodicCommon extends Common {
  /** What to do about ticks that passed while no runner was up. @default 'once' */
  missed?: 'skip' | 'once' | 'all';
  /** What to do about a tick that is due while the last one still runs. @default 'skip' */
  overlap?: 'skip' | 'queue';
  /** Run when the runner starts, unless the last tick is younger than the interval. @default true for `every` */
  runOnStart?: boolean;
  run(context: PeriodicContext): Promise<unknown> | unknown;
}

interface Common {
  /** Shown in the list of task types. */
  description?: string;
  /** Shown in logs. */
  emoji?: string;
  /** The age at which an attempt is killed. @default 300 */
  timeoutSeconds?: number;
  /** How long its finished tasks are kept; 0 is for ever. @default RETENTION_COMPLETED_DAYS, RETENTION_FAILED_DAYS */
  retentionDays?: Retention;
}

/** One for all, or by how they ended; `failed` is for cancelled ones, too. */
export type Retention = number | { completed?: number; failed?: number };

export type Retry =
  | { strategy: 'cooldown'; seconds?: number }
  | { strategy: 'exponential'; seconds?: number; factor?: number; maxSeconds?: number; jitter?: boolean };

/** What a periodic task's `run` gets. */
export interface PeriodicContext {
  /** Aborted at timeout, cancel and stop, a grace period before the kill. */
  readonly signal: AbortSignal;
  /** Lines go to the runner's log and are kept with the task. */
  readonly log: Logger;
  /** Shows how far the attempt is: `fraction` from 0 to 1. */
  readonly progress: (fraction: number, message?: string) => Promise<void>;
  /** A pool of this thread, made at first use and closed by the engine. drizzle works on top of it. */
  readonly database: Pool;
  /** Submits a follow-up task. @returns its id @throws when the type is unknown or the params are invalid */
  readonly submit: (
    type: string,
    params?: unknown,
    options?: SubmitOptions,
  ) => Promise<{ id: string; deduplicated: boolean }>;
  readonly task: TaskInfo;
  /**
   * Completes this task inside the caller's open transaction, so that its effects and its completion are committed
   * together or not at all. @throws StaleAttemptError
   */
  readonly complete: (client: Pick<PoolClient, 'query'>, result?: unknown) => Promise<void>;
}

/** What a database task's `run` gets. */
export interface TaskContext<Payload = unknown> extends PeriodicContext {
  /** The validated params. */
  readonly payload: Payload;
}

export interface TaskInfo {
  readonly id: string;
  readonly type: string;
  /** 1 in the first run. */
  readonly attempt: number;
  readonly maxRetries: number;
  readonly createdAt: Date;
  readonly domain: string | null;
  readonly description: string | null;
  /** What became of the tasks that this one depends on, in the order of `depends_on`. */
  readonly dependencies: readonly Dependency[];
}

/** A task that another one depends on, as it is when the attempt begins. */
export interface Dependency {
  readonly id: string;
  /** `null` when it was deleted. */
  readonly type: string | null;
  /** The others than the first three: somebody has run it anew, or has deleted it. */
  readonly status: 'completed' | 'failed' | 'cancelled' | 'created' | 'queued' | 'running' | 'gone';
  readonly result: unknown;
  readonly error: string | null;
}

/** As in `POST /tasks`. */
export interface SubmitOptions {
  description?: string;
  domain?: string;
  drift_score?: number;
  run_immediately?: boolean;
  priority?: number;
  run_at?: Date | string;
  delay_seconds?: number;
  max_retries?: number;
  timeout_seconds?: number;
  unique_key?: string;
  /** Ids of tasks: it waits until all of them have ended. */
  depends_on?: readonly string[];
  /** @default 'cancel' */
  on_dependency_failure?: 'cancel' | 'run';
}

export type DatabaseTaskDefinition<Payload extends z.ZodType = z.ZodType, Result = unknown> = DatabaseTask<
  Payload,
  Result
> &
  Branded;
export type PeriodicTaskDefinition = PeriodicTask & Branded;
