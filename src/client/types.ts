/* What the API takes and gives, as its JSON has it: names in snake_case, times as ISO 8601 text in UTC. */

export type Status = 'created' | 'queued' | 'running' | 'completed' | 'failed' | 'cancelled';

export interface Task<Result = unknown> {
  id: string;
  type: string;
  description: string | null;
  params: Record<string, unknown>;
  domain: string | null;
  drift_score: number;
  status: Status;
  /** `null` until it is completed. */
  result: Result;
  /** The last error's message. */
  error: string | null;
  created_at: string;
  updated_at: string;
  /** Smaller runs first. */
  priority: number;
  run_at: string;
  attempt: number;
  max_retries: number;
  started_at: string | null;
  finished_at: string | null;
  last_run_at: string | null;
  progress: Progress | null;
  unique_key: string | null;
  depends_on: string[];
  runner_id: string | null;
  cancel_requested_at: string | null;
}

export interface Progress {
  /** From 0 to 1. */
  fraction: number;
  message: string | null;
}

/** What a submission is answered with. */
export interface SubmittedTask<Result = unknown> extends Task<Result> {
  /** The same work was there already: this is it. */
  deduplicated?: true;
}

/** What a submission may say besides its type and payload. */
export interface Submission {
  description?: string | null;
  domain?: string | null;
  drift_score?: number | null;
  /** `false`: it stays `created` until somebody runs it. @default true */
  run_immediately?: boolean | null;
  /** From -100 to 100; smaller runs first. @default 0 */
  priority?: number | null;
  run_at?: Date | string | null;
  delay_seconds?: number | null;
  /** Attempts after the first. @default what the type says */
  max_retries?: number | null;
  /** May only shorten the type's own. */
  timeout_seconds?: number | null;
  /** While a task of this type with this key is not finished, it is the answer, and no other one is added. */
  unique_key?: string | null;
  /** Ids of tasks; in a batch also `#0`, the first of the batch. */
  depends_on?: string[] | null;
  /** @default 'cancel' */
  on_dependency_failure?: 'cancel' | 'run' | null;
}

export interface BatchedSubmission extends Submission {
  type: string;
  params?: Record<string, unknown>;
}

/** Which tasks; all that are given must hold. */
export interface TaskFilter {
  status?: Status | readonly Status[];
  type?: string;
  domain?: string;
  unique_key?: string;
  created_after?: Date | string;
  created_before?: Date | string;
  /** Occurs in the description, the error or the params, in upper or lower case. */
  q?: string;
}

/** A part of a list. */
export interface TaskPage {
  items: Task[];
  /** Exact to 10,000. */
  total: number;
  total_is_estimate?: true;
  next_cursor: string | null;
}

export interface TaskStatus {
  id: string;
  status: Status;
  updated_at: string;
  error: string | null;
}

/** Which tasks are to be changed at once: by a filter, or all of them. */
export type BulkFilter = TaskFilter & {
  all?: boolean;
  /** Only counts. */
  dry_run?: boolean;
};

export interface BulkChange {
  matched: number;
  changed: number;
}

export interface StateChange {
  at: string;
  from: Status | null;
  to: Status;
  attempt: number;
  /** `api:NAME`, `runner:ID`, `scheduler`, `rescue`, … */
  actor: string;
  detail: string | null;
}

export interface Attempt {
  attempt: number;
  runner_id: string | null;
  thread_id: number | null;
  started_at: string | null;
  finished_at: string | null;
  /** `null` while it runs. */
  outcome:
    | 'succeeded'
    | 'failed'
    | 'invalid'
    | 'timed_out'
    | 'cancelled'
    | 'lost'
    | 'given_back'
    | 'snoozed'
    | null;
  error: ErrorRecord | null;
}

/** An error of a task as it was thrown. */
export interface ErrorRecord {
  name: string;
  message: string;
  stack: string | null;
  code: string | number | null;
  cause: ErrorRecord | null;
}

/** A line that a task wrote to its `log`. */
export interface LogLine {
  at: string;
  attempt: number;
  level: string;
  message: string;
  fields: Record<string, unknown>;
}

/** What happens to a task, as its stream tells it. */
export type TaskEvent<Result = unknown> = StatusEvent | ProgressEvent | LogEvent | CompleteEvent<Result>;

interface Streamed<Type extends string> {
  type: Type;
  task_id: string;
  /** Where the stream goes on after this event. */
  lastEventId: string;
}

export interface StatusEvent extends Streamed<'status'>, StateChange {
  status: Status;
  message: string | null;
}

export interface ProgressEvent extends Streamed<'progress'>, Progress {}

export interface LogEvent extends Streamed<'log'>, LogLine {
  status: Status;
  timestamp: string;
}

/** The last one. */
export interface CompleteEvent<Result = unknown> extends Streamed<'complete'> {
  status: 'completed' | 'failed' | 'cancelled';
  result: Result;
  error: string | null;
  message: string;
}

export interface Fact {
  id: string;
  text: string;
  tags: string[];
  meta_data: Record<string, unknown>;
  created_at: string;
  updated_at: string;
  produced_by_task_id: string | null;
}

export interface NewFact {
  /** 1 to 100,000 characters. */
  text: string;
  tags?: string[] | null;
  meta_data?: Record<string, unknown> | null;
  produced_by_task_id?: string | null;
}

export interface FactFilter {
  /** Words, as in a web search, or a part of the text or of the metadata; the best match comes first. */
  q?: string;
  /** All of them must be there. */
  tag?: string | readonly string[];
  /** @default 100 */
  limit?: number;
  offset?: number;
}

export interface FactPage {
  items: Fact[];
  /** Exact to 10,000. */
  total: number;
  total_is_estimate?: true;
}

export interface TaskType {
  name: string;
  kind: 'database' | 'periodic';
  description: string | null;
  emoji: string | null;
  /** JSON Schema of the params. */
  payload_schema: Record<string, unknown>;
  timeout_seconds: number;
  max_retries: number;
  retry:
    | { strategy: 'cooldown'; seconds: number }
    | { strategy: 'exponential'; seconds: number; factor: number; max_seconds: number; jitter: boolean };
  batch_size: number | null;
  deduplicate: 'none' | 'payload' | 'function';
  /** A live runner has it. */
  runnable: boolean;
}

export interface PeriodicTask {
  name: string;
  schedule: string;
  timezone: string;
  next_run_at: string | null;
  last_run_at: string | null;
  last_status: string | null;
  last_duration_ms: number | null;
  runs: number;
  failures: number;
  paused: boolean;
  missed: 'skip' | 'once' | 'all';
  overlap: 'skip' | 'queue';
}

export interface Runner {
  id: string;
  host: string;
  pid: number;
  version: string;
  role: 'leader' | 'standby' | 'member';
  status: 'active' | 'standby' | 'draining' | 'degraded' | 'stopped' | 'lost';
  started_at: string;
  last_seen_at: string;
  threads: { id: number; task_id: string | null; task_type: string | null; since: string | null }[];
}

export interface Stats {
  /** `is_estimate`: there are too many to be counted, and the larger numbers are estimates. */
  tasks: { by_status: Record<Status, number>; by_type: Record<string, number>; is_estimate?: true };
  queue: { ready: number; scheduled: number; oldest_ready_age_seconds: number | null; is_estimate?: true };
  last_hour: {
    completed: number;
    failed: number;
    retried: number;
    wait_ms: Percentiles;
    run_ms: Percentiles;
  };
}

export interface Percentiles {
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

export interface Health {
  status: 'ok' | 'degraded' | 'unavailable' | 'starting' | 'draining';
  version: string;
  database: 'ok' | 'away';
  migrations: 'ok' | 'pending' | 'unknown';
  runner: 'ok' | 'none' | 'unknown';
  /** By what embeddings are compared. */
  vectors: 'pgvector' | 'sql' | 'none' | 'unknown';
}
