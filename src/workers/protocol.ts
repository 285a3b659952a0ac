import type { MessagePort } from 'node:worker_threads';
import type { RetryPolicy, TaskError } from '../../drizzle/schema/tasks.ts';
import type { AttemptRow } from './shared/attempt-row.ts';

/*
 * What the main thread and a worker thread say to each other. Both sides import this file, and nothing else of the
 * other's.
 *
 * Attempts travel in bundles: several short ones in a message, because the hop costs more than the work. They still
 * run one at a time. The bundle's control block, in shared memory, says which one runs and since when: the main
 * thread can see a hung attempt, and take back what has not started, without the thread's help.
 */

/** One attempt to run. Payloads travel as JSON text: the main thread never parses them. */
export interface AttemptOrder {
  taskId: string;
  type: string;
  claimToken: string;
  attempt: number;
  maxRetries: number;
  params: string;
  createdAtMs: number;
  domain: string | null;
  description: string | null;
  uniqueKey: string | null;
  /** Then the thread asks what became of them. */
  hasDependencies: boolean;
  /** The trace that its submission belongs to. */
  traceparent: string | null;
  /** Some of its params are secret: its payload's schema tells which. */
  hasSecrets: boolean;
  /** Only when its type has limits that the thread has a part in. */
  limited: {
    /** A start counts against the type's rate: the main thread has to hear of it. */
    tellsStart: boolean;
    /** Its keys could not be computed: the attempt has to end as that did. */
    lacksKeys: boolean;
  } | null;
}

/** How much of a type may run at once, or start, over all runners. `null` is no limit. */
export interface Limits {
  maxConcurrent: number | null;
  /** Of those with the same key: null when the type has no `concurrencyKey`. */
  maxConcurrentPerKey: number | null;
  /** At most `count` starts in any window of `perSeconds`; for each key when it is keyed. */
  rate: { count: number; perSeconds: number; keyed: boolean } | null;
}

/** What a task counts as for its type's limits; `''` where the type has no such key. */
export interface LimitKeys {
  concurrency: string;
  rate: string;
}

/** Tasks of one type whose keys are wanted. */
export interface KeyOrder {
  type: string;
  /** Of each task, as JSON text. */
  params: string[];
}

export interface Bundle {
  control: SharedArrayBuffer;
  attempts: AttemptRow[];
}

/** What a thread gets at its start, with one end of the channel for everything that is not a bundle. */
export interface BootOrder {
  port: MessagePort;
  /** For the tasks' own pool. */
  databaseUrl: string;
  /** Of a `LeaseClock`. */
  lease: SharedArrayBuffer;
  /** Folder paths, in order; the first is the engine's own. */
  taskFolders: string[];
  logLevel: string;
}

export interface BundleEnd {
  dirty: Dirt | null;
}

/** What is left in a thread that could disturb what it runs next: the thread has to be replaced. */
export interface Dirt {
  reason: string;
  /** Whose it is, or null when a module left it that belongs to no task. */
  taskType: string | null;
  taskId: string | null;
}

/** How an attempt ended, as far as the thread can know. Results are JSON text. */
export type ReportedOutcome =
  | { kind: 'succeeded'; result: string | null }
  | { kind: 'failed'; error: ErrorRecord }
  | { kind: 'invalid'; error: ErrorRecord }
  | { kind: 'snoozed'; seconds: number; error: ErrorRecord }
  | { kind: 'duplicate'; of: string };

/** What is kept of anything that was thrown. */
export type ErrorRecord = TaskError;

export type FromThread =
  | {
      say: 'outcome';
      claimToken: string;
      outcome: ReportedOutcome;
      settledByTask: boolean;
      ranMs: number;
    }
  /** Also of an attempt that has ended: what it left behind may still speak. */
  | { say: 'log'; taskId: string; claimToken: string; line: string }
  /** Of types with a rate limit: the task's own code has begun. */
  | { say: 'started'; claimToken: string }
  | { say: 'progress'; claimToken: string; fraction: number; message: string | null }
  | { say: 'request'; id: number; claimToken: string; request: ThreadRequest };

/** What only the main thread can do for an attempt. */
export type ThreadRequest =
  | { do: 'submit'; type: string; params: string; options: string; traceparent: string | null }
  | { do: 'claim-unique-key'; key: string }
  /** The answer is JSON text. */
  | { do: 'tell-dependencies' }
  | { do: 'end-connections' };

export type ToThread =
  | { say: 'abort'; claimToken: string; reason: AbortReason }
  | { say: 'reply'; id: number; ok: true; value: unknown }
  | { say: 'reply'; id: number; ok: false; error: ErrorRecord };

export type AbortReason = 'timeout' | 'cancel' | 'stop';

/** What a thread tells of a task file. Times are in seconds; `null` means the default does not apply. */
export interface TaskTypeDescription {
  name: string;
  file: string;
  kind: 'database' | 'periodic';
  description: string | null;
  emoji: string | null;
  payloadSchema: Record<string, unknown>;
  /** The schema marks some params as secret. */
  hasSecrets: boolean;
  timeoutSeconds: number;
  maxRetries: number;
  retry: RetryPolicy;
  batchSize: number | null;
  pollIntervalSeconds: number;
  deduplicate: 'none' | 'payload' | 'function';
  /** null when there are none. */
  limits: Limits | null;
  /** How long its finished tasks are kept, where that is not as everywhere; 0 is for ever. */
  retentionDays: { completed: number | null; failed: number | null };
  schedule: {
    every: string | null;
    everySeconds: number | null;
    cron: string | null;
    timezone: string;
    missed: 'skip' | 'once' | 'all';
    overlap: 'skip' | 'queue';
    runOnStart: boolean;
  } | null;
  warnings: string[];
}

/** The name of a thread's global function that tells what the thread holds; `true` collects its garbage first. */
export const MEASURE = '__heddleHeldBytes';

/**
 * Until when this runner may run anything, in memory that all its threads share. Once that time has passed other
 * runners may run its tasks: nothing new may start, also in a process that was frozen and has just come to again.
 */
export class LeaseClock {
  readonly buffer: SharedArrayBuffer;
  readonly #until: BigInt64Array;

  /** Without a buffer: one that never ends, until it is set. */
  constructor(buffer?: SharedArrayBuffer) {
    this.buffer = buffer ?? new SharedArrayBuffer(8);
    this.#until = new BigInt64Array(this.buffer);
    if (buffer === undefined) Atomics.store(this.#until, 0, NEVER);
  }

  /** Main thread. It is over in so many milliseconds. */
  endsIn(milliseconds: number): void {
    const nanoseconds = BigInt(Math.round(milliseconds * 1e6));
    Atomics.store(this.#until, 0, process.hrtime.bigint() + nanoseconds);
  }

  /** Any thread: they share the monotonic clock. */
  get over(): boolean {
    return process.hrtime.bigint() >= Atomics.load(this.#until, 0);
  }
}

const NEVER = 2n ** 63n - 1n;
