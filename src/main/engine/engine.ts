import type { DestinationStream } from 'pino';
import type { FromThread } from '../../workers/protocol.ts';
import type { Queryable } from '../database/connect.ts';
import { describe } from '../database/errors.ts';
import type { Observe } from '../observe/events.ts';
import { ClaimLoop } from './claim-loop.ts';
import { ClaimTurns } from './claim-turns.ts';
import type { ClaimedTask } from './claimed-task.ts';
import { Dispatcher } from './dispatch.ts';
import { endBackendsOfAttempt } from './end-backends.ts';
import type { Flight, FlightEnd } from './flight.ts';
import type { StuckLimits } from './kill.ts';
import { LimitDuties } from './limit-duties.ts';
import { MemoryGuard } from './memory-guard.ts';
import { Progress } from './progress.ts';
import { Settler } from './settle.ts';
import { neverStarted, type Settlement } from './settlement.ts';
import { CANCELS_REQUESTED } from './sql/attempt.ts';
import { TaskLog } from './task-log.ts';
import type { ThreadOptions } from './task-thread.ts';
import type { RunnableType, TaskTypeCatalogue } from './task-types.ts';
import { ThreadPool } from './thread-pool.ts';
import { serve } from './thread-requests.ts';

export interface EngineParts {
  runnerId: string;
  database: Queryable;
  catalogue: TaskTypeCatalogue;
  types: readonly RunnableType[];
  threads: number;
  threadOptions: ThreadOptions;
  killGraceMs: number;
  /** Of the whole process. Default: what `memoryLimitMb` says. */
  memoryLimitMb?: number;
  /** When a thread that does not die is told of and given up, in milliseconds after its kill. */
  stuckMs?: StuckLimits;
  /** A thread does not die, and its slot is gone for as long as this process lives. */
  onStuck?: () => void;
  observe: Observe;
  /** Where tasks' own log lines go, beside the table. */
  logStream: DestinationStream;
}

/**
 * The engine of a runner: claims tasks, runs each attempt in a thread, settles. This file only puts its parts
 * together: claim-loop → dispatch → (thread) → settle.
 */
export class Engine {
  readonly #parts: EngineParts;
  readonly #threads: ThreadPool;
  readonly #dispatcher: Dispatcher;
  readonly #claims: ClaimLoop;
  readonly #settler: Settler;
  readonly #log: TaskLog;
  readonly #progress: Progress;
  readonly #memory: MemoryGuard;
  readonly #limits: LimitDuties;
  #cancelPoll: NodeJS.Timeout | undefined;
  /** Callers of `idle`, to look again whenever an attempt has ended. */
  readonly #idlers: (() => void)[] = [];

  constructor(parts: EngineParts) {
    const { database, observe } = parts;
    this.#parts = parts;
    this.#log = new TaskLog(database, observe);
    this.#progress = new Progress(database, observe);
    this.#settler = new Settler(database, observe, this);
    this.#threads = new ThreadPool(parts.threads, parts.threadOptions, observe, () => {
      this.#limits.threadIdle(); // First: where threads are never idle for long, it would never get one.
      this.#dispatcher.pump();
      this.#claims.look();
    });
    const types = new Map(parts.types.map((type) => [type.name, type]));
    this.#dispatcher = new Dispatcher(
      this.#threads,
      types,
      { killGraceMs: parts.killGraceMs, stuckMs: parts.stuckMs ?? STUCK_MS },
      this,
      observe,
    );
    const memory = { maxHeapMb: parts.threadOptions.maxHeapMb, processMb: parts.memoryLimitMb };
    this.#memory = new MemoryGuard(memory, this.#threads, this.#dispatcher, observe);
    this.#limits = new LimitDuties(parts, this.#threads, () => this.#claims.look());
    const turns = new ClaimTurns(parts, {
      keysWanted: (type) => this.#limits.keysWanted(type),
      roomIn: (milliseconds) => this.#claims.wake(milliseconds),
    });
    this.#claims = new ClaimLoop(parts, this.#threads, this.#dispatcher, turns);
  }

  /** Starts the threads. Nothing is claimed before `open`. */
  async start(): Promise<void> {
    this.#memory.start();
    this.#pollCancelsIn(CANCEL_POLL_MS);
    await this.#threads.start();
  }

  /** Starts claiming: this runner may. */
  open(): void {
    this.#claims.open();
  }

  /** Stops claiming. What runs goes on. */
  close(): void {
    this.#claims.close();
  }

  /** Looks for due tasks now, or in so many milliseconds. */
  wake(inMs = 0): void {
    this.#claims.wake(inMs);
  }

  /** Ends the running attempt of a task that is to be cancelled, if it is one of this runner's. */
  cancel(taskId: string): void {
    const waiting = this.#dispatcher.cancel(taskId);
    if (waiting !== null) this.#giveBack(waiting, true);
  }

  /** What the runner shows of itself. */
  get state() {
    const busy = new Map(this.#dispatcher.flights.map((flight) => [flight.thread, flight]));
    return {
      threads: this.#threads.threads.map((thread) => ({ id: thread.id, flight: busy.get(thread) ?? null })),
      size: this.#threads.size,
      ready: this.#dispatcher.ready.count,
      claimed: this.#claims.claimed,
      settled: this.#settler.settled,
      stale: this.#settler.stale,
    };
  }

  /** Attempts that threads have, but for those of threads that do not die. */
  get running(): number {
    return this.#dispatcher.ending;
  }

  get hasStuckThread(): boolean {
    return this.#dispatcher.stuck.size > 0;
  }

  get threadsBusy(): number {
    return this.#dispatcher.busyThreads.length;
  }

  /** What the threads that live do; `stuck` are those that were killed, and of which it was told that they do not die. */
  get threadCounts(): { busy: number; idle: number; stuck: number } {
    const { threadsBusy } = this;
    const stuck = this.#dispatcher.late;
    return { busy: threadsBusy - stuck, idle: this.#threads.threads.length - threadsBusy, stuck };
  }

  /** Stops claiming and gives back what has not started. */
  async drain(): Promise<void> {
    await this.#claims.closeAndWait();
    this.#giveBackReady();
  }

  /** Aborts the signals of what still runs. */
  abort(): void {
    this.#dispatcher.abortAll();
  }

  /** Resolves when nothing runs any more, but for what a thread runs that does not die. */
  async idle(): Promise<void> {
    while (this.running > 0) await new Promise<void>((resolve) => this.#idlers.push(resolve));
  }

  /** Kills what still runs, writes everything that is left to write, and ends the threads. */
  stop(): Promise<void> {
    return this.#end('stop');
  }

  /** From now on outcomes that cannot be written with the others are not waited for: the rescue ends those attempts. */
  giveUpLate(): void {
    this.#settler.giveUpLate();
  }

  /** The same at once, because the runner's lease is over: what it runs is lost, and others may run it already. */
  lose(): Promise<void> {
    return this.#end('lost');
  }

  async #end(why: 'stop' | 'lost'): Promise<void> {
    clearTimeout(this.#cancelPoll);
    this.#cancelPoll = undefined;
    this.#dispatcher.close();
    this.#threads.close();
    this.#limits.close();
    const drained = this.drain();
    if (why === 'stop') await drained;
    this.#dispatcher.killAll(why);
    await drained;
    await this.idle();
    this.#giveBackReady(); // What was taken back from threads that have died since.
    await this.#settler.written();
    await this.#log.written();
    await this.#limits.written();
    this.#memory.stop();
    await this.#threads.stop(this.#dispatcher.stuck);
    await this.#limits.stopped();
  }

  /** For the settler: what attempts have said comes before their end. */
  async beforeSettling(): Promise<void> {
    await Promise.all([this.#log.written(), this.#progress.written()]);
  }

  /** For the settler: this runner no longer holds a task. */
  settled(task: Settlement['task'], dueInMs: number | null): void {
    this.#claims.settled(task, dueInMs);
    this.#limits.settled(task.type);
  }

  /** For the dispatcher, every 25 ms while anything runs. */
  watched(): void {
    this.#memory.look();
    // Another runner may have a thread for them.
    for (const task of this.#dispatcher.withdrawOverdue()) this.#giveBack(task, false);
  }

  /** For the dispatcher: an attempt has ended. */
  ended(flight: Flight, { outcome, settledByTask, ranMs, endedAt }: FlightEnd): void {
    const { id, type, claim_token, attempt, attempts_forgiven, max_retries, waited_ms, claimed_at } =
      flight.task;
    const { retry } = flight.type;
    const cancel_requested = flight.endedBy === 'cancel';
    this.#limits.ended(flight.task);
    this.#settler.add({
      task: { id, type, claim_token, attempt, attempts_forgiven, max_retries, retry, cancel_requested },
      isTick: flight.type.kind === 'periodic',
      outcome,
      settledByTask,
      ranMs,
      waitedMs: waited_ms + Math.max(0, endedAt - ranMs - claimed_at),
      endedAt,
      threadId: flight.thread.id,
    });
    this.#wakeIdlers();
  }

  /** For the dispatcher: a thread does not die. */
  stuck(): void {
    this.#wakeIdlers();
    this.#parts.onStuck?.();
  }

  /** For the dispatcher: ends what a killed attempt still does in the database. */
  killed({ task }: Flight): Promise<void> {
    return endBackendsOfAttempt(this.#parts.database, this.#parts.observe, task);
  }

  /** For the dispatcher: an attempt speaks while it runs. */
  said(flight: Flight, message: Exclude<FromThread, { say: 'outcome' | 'log' }>): void {
    switch (message.say) {
      case 'progress':
        this.#progress.show(flight.task.id, message.claimToken, message.fraction, message.message);
        return;
      case 'started':
        this.#limits.begun(flight.task);
        return;
      case 'request':
        void this.#serve(flight, message);
    }
  }

  /** For the dispatcher: an attempt, or what it left behind, has written a line. */
  logged({ taskId, claimToken, line }: FromThread & { say: 'log' }): void {
    this.#parts.logStream.write(line);
    this.#log.keep(taskId, claimToken, line);
  }

  #wakeIdlers(): void {
    for (const resolve of this.#idlers.splice(0)) resolve();
  }

  #giveBackReady(): void {
    for (const task of this.#dispatcher.withdraw()) this.#giveBack(task, false);
  }

  #giveBack(task: ClaimedTask, cancel_requested: boolean): void {
    this.#limits.ended(task);
    this.#settler.add(neverStarted({ ...task, cancel_requested }));
  }

  async #serve(flight: Flight, { id, request }: FromThread & { say: 'request' }): Promise<void> {
    try {
      const value = await serve(this.#parts, flight, request);
      flight.thread.tell({ say: 'reply', id, ok: true, value });
    } catch (error) {
      const { name, message } = error as Error;
      flight.thread.tell({ say: 'reply', id, ok: false, error: { name, message } });
    }
  }

  #pollCancelsIn(milliseconds: number): void {
    this.#cancelPoll = setTimeout(() => void this.#pollCancelsAndGoOn(), milliseconds);
  }

  async #pollCancelsAndGoOn(): Promise<void> {
    const startedAt = performance.now();
    await this.#pollCancels();
    const restMs = CANCEL_POLL_REST * (performance.now() - startedAt);
    if (this.#cancelPoll !== undefined) this.#pollCancelsIn(Math.max(CANCEL_POLL_MS, restMs));
  }

  /** The notification of a cancel may get lost: then it is found here. */
  async #pollCancels(): Promise<void> {
    if (this.running === 0 && this.#dispatcher.ready.count === 0) return;
    try {
      const { rows } = await this.#parts.database.query<{ id: string }>(CANCELS_REQUESTED, [
        this.#parts.runnerId,
      ]);
      for (const { id } of rows) this.cancel(id);
    } catch (error) {
      this.#parts.observe({ event: 'database_error', during: 'cancel poll', ...describe(error) });
    }
  }
}

const CANCEL_POLL_MS = 1000;

/** How much longer than a poll the pause after it is: polls are slow while somebody keeps a transaction open. */
const CANCEL_POLL_REST = 9;

const STUCK_MS: StuckLimits = { told: 5000, givenUp: 15_000 };
