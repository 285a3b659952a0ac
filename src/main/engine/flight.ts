import type {
  AbortReason,
  AttemptOrder,
  FromThread,
  Limits,
  ReportedOutcome,
} from '../../workers/protocol.ts';
import type { ClaimedTask } from './claimed-task.ts';
import type { Outcome } from './outcome.ts';
import type { TaskThread } from './task-thread.ts';
import type { RunnableType } from './task-types.ts';

/** Why an attempt was told to end. `lost`: the runner's lease is over, and others may run its task. */
export type EndReason = AbortReason | 'lost';

/** How an attempt ended, and when. */
export interface FlightEnd {
  outcome: Outcome;
  /** The task has called `complete`. */
  settledByTask: boolean;
  ranMs: number;
  /** By `performance.now()`. */
  endedAt: number;
}

/** What the dispatcher tells of attempts. */
export interface FlightEvents {
  /** An attempt has ended and its thread can do no more for it. */
  ended(flight: Flight, end: FlightEnd): void;
  /** Called every 25 ms while anything runs. */
  watched(): void;
  /** A thread was killed in the middle of an attempt: what it left in the database has to end before the attempt does. */
  killed(flight: Flight): Promise<void>;
  /** A thread that was killed long ago still lives. What it runs can only end with the process. */
  stuck(): void;
  said(flight: Flight, message: Exclude<FromThread, { say: 'outcome' | 'log' }>): void;
  /** A line of an attempt, which may have ended. */
  logged(message: FromThread & { say: 'log' }): void;
}

/** A claimed task that a thread has: one attempt, from dispatch to its outcome. */
export class Flight {
  readonly task: ClaimedTask;
  readonly type: RunnableType;
  readonly thread: TaskThread;
  /** Its place in the bundle. */
  readonly index: number;
  readonly timeoutMs: number;
  /** The age at which it is killed, in milliseconds: a cancel comes before the timeout. */
  killAtMs: number;
  /** Why it was told to end. The first reason counts. */
  endedBy: EndReason | null = null;
  /** Taken back before it started. */
  withdrawn = false;
  /** It was killed because its task file did not load. */
  neverLoaded = false;

  constructor(task: ClaimedTask, type: RunnableType, thread: TaskThread, index: number) {
    this.task = task;
    this.type = type;
    this.thread = thread;
    this.index = index;
    this.timeoutMs = Math.min(type.timeoutSeconds, task.timeout_seconds ?? Number.POSITIVE_INFINITY) * 1000;
    this.killAtMs = this.timeoutMs;
  }

  /** What the thread is told. */
  order(): AttemptOrder {
    const { task } = this;
    return {
      taskId: task.id,
      type: task.type,
      claimToken: task.claim_token,
      attempt: task.attempt,
      maxRetries: task.max_retries,
      params: task.params,
      createdAtMs: task.created_at_ms,
      domain: task.domain,
      description: task.description,
      uniqueKey: task.unique_key,
      hasDependencies: task.has_dependencies,
      traceparent: task.traceparent,
      hasSecrets: this.type.hasSecrets,
      limited: this.type.limits === null ? null : this.#limited(this.type.limits),
    };
  }

  #limited(limits: Limits): AttemptOrder['limited'] {
    const { concurrency_key, rate_key } = this.task;
    const lacksConcurrencyKey = limits.maxConcurrentPerKey !== null && concurrency_key === '';
    const lacksRateKey = limits.rate?.keyed === true && rate_key === '';
    return { tellsStart: limits.rate !== null, lacksKeys: lacksConcurrencyKey || lacksRateKey };
  }

  /** Its age in milliseconds; 0 when it does not run. */
  ageMs(): number {
    const running = this.thread.control.running();
    return running !== null && running.index === this.index ? running.ageMs : 0;
  }

  /** @returns whether this is the first reason to end */
  end(reason: EndReason): boolean {
    if (this.endedBy !== null) return false;
    this.endedBy = reason;
    return true;
  }

  /** What a thread's report means, given why the attempt was told to end. Work that was finished counts, unless it was cancelled. */
  outcomeOf(reported: ReportedOutcome): Outcome {
    if (this.endedBy === 'cancel') return this.outcomeOfDeath('');
    switch (reported.kind) {
      case 'succeeded':
        return { name: 'succeeded', result: reported.result };
      case 'duplicate':
        return { name: 'duplicate', of: reported.of };
      case 'snoozed':
        return { name: 'snoozed', seconds: reported.seconds, error: reported.error };
      case 'invalid':
        return { name: 'invalid', error: reported.error };
      case 'failed':
        if (this.endedBy === 'timeout') return this.outcomeOfDeath('');
        if (this.endedBy === 'stop') return { name: 'given_back', error: reported.error };
        return { name: 'failed', error: reported.error };
    }
  }

  /** What it means that the thread died in the middle of the attempt. @param death why, in plain words */
  outcomeOfDeath(death: string): Outcome {
    const error = (name: string, message: string) => ({ name, message });
    switch (this.endedBy) {
      case 'timeout':
        return { name: 'timed_out', error: error('TimeoutError', this.deathReason()) };
      case 'cancel':
        return { name: 'cancelled', error: error('Cancelled', 'cancelled while it was running') };
      case 'stop':
        return { name: 'given_back', error: error('Stopped', 'the runner stopped before it had ended') };
      case 'lost':
        return { name: 'lost', error: error('LeaseLost', LEASE_LOST) };
      case null:
        return { name: 'failed', error: error('ThreadDied', death) };
    }
  }

  /** The age at which it is killed while its task file is loading. That does not count, but must not last for ever. */
  get loadKillAtMs(): number {
    return this.endedBy === null ? this.#loadMs : this.killAtMs;
  }

  get #loadMs(): number {
    return Math.max(LOAD_MS, this.timeoutMs);
  }

  /** Why it is killed. */
  deathReason(): string {
    if (this.endedBy === 'cancel') return 'cancelled';
    if (this.neverLoaded) return `its task file did not load within ${this.#loadMs / 1000} s`;
    return `timed out after ${this.timeoutMs / 1000} s`;
  }
}

/** A machine that has much to do, or a slow disk, may take seconds. */
const LOAD_MS = 30_000;

const LEASE_LOST = 'lost: the runner could not reach the database for so long that it had to stop its tasks';
