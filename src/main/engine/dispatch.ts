import type { FromThread, ReportedOutcome } from '../../workers/protocol.ts';
import { monotonicMs, type Running } from '../../workers/shared/control.ts';
import { tellRunSpan } from '../../workers/shared/tracing.ts';
import type { Observe } from '../observe/events.ts';
import { BUNDLE_MS } from './bundle.ts';
import type { ClaimedTask } from './claimed-task.ts';
import { Flight, type FlightEnd, type FlightEvents } from './flight.ts';
import { type Kill, Killer, type StuckLimits } from './kill.ts';
import { Pace, QUICK_MS } from './pace.ts';
import { ReadyTasks } from './ready-tasks.ts';
import type { TaskThread } from './task-thread.ts';
import type { RunnableType } from './task-types.ts';
import type { ThreadPool } from './thread-pool.ts';

/**
 * Hands claimed tasks to free threads, watches their age, and kills. It owns what is claimed until it has ended.
 *
 * Quick tasks travel in bundles. A task that turns out to be slow does not keep the others of its bundle waiting:
 * they are taken back and go to other threads.
 */
export class Dispatcher {
  readonly pace = new Pace();
  readonly #threads: ThreadPool;
  readonly #types: ReadonlyMap<string, RunnableType>;
  readonly #killGraceMs: number;
  readonly #events: FlightEvents;
  readonly #observe: Observe;
  readonly #ready = new ReadyTasks();
  readonly #bundles = new Map<TaskThread, Flight[]>();
  readonly #flights = new Map<string, Flight>();
  readonly #quietSince = new Map<TaskThread, number>();
  readonly #killer: Killer;
  #closed = false;
  #watch: NodeJS.Timeout | undefined;

  constructor(
    threads: ThreadPool,
    types: ReadonlyMap<string, RunnableType>,
    { killGraceMs, stuckMs }: { killGraceMs: number; stuckMs: StuckLimits },
    events: FlightEvents,
    observe: Observe,
  ) {
    this.#threads = threads;
    this.#types = types;
    this.#killGraceMs = killGraceMs;
    this.#killer = new Killer(stuckMs, () => events.stuck(), observe);
    this.#events = events;
    this.#observe = observe;
  }

  /** Takes claimed tasks, in the order they are to run. */
  add(tasks: readonly ClaimedTask[]): void {
    this.#ready.add(tasks);
    this.pump();
  }

  /** Sends ready tasks to idle threads, as long as there are both. */
  pump(): void {
    if (this.#ready.count === 0 && this.#threads.idle > 0 && !this.#closed) this.#takeBackFollowing();
    while (this.#ready.count > 0 && !this.#closed) {
      const thread = this.#threads.take();
      if (thread === undefined) return;
      void this.#fly(thread, this.#ready.takeBundle(this.#threads.idle, this.pace));
    }
  }

  /** Claimed tasks that wait for a thread. */
  get ready(): Pick<ReadyTasks, 'count' | 'countByType'> {
    return this.#ready;
  }

  /** From now on nothing is sent to a thread. */
  close(): void {
    this.#closed = true;
  }

  /** Attempts that a thread has. */
  get flights(): readonly Flight[] {
    return [...this.#flights.values()];
  }

  /** How many threads were killed seconds ago and still live. */
  get late(): number {
    return this.#killer.late.size;
  }

  /** Threads that were killed long ago and still live: they are in a native call. */
  get stuck(): ReadonlySet<TaskThread> {
    return this.#killer.stuck;
  }

  /** How many attempts will end: those of stuck threads are not waited for. */
  get ending(): number {
    return this.flights.filter(({ thread }) => !this.stuck.has(thread)).length;
  }

  /** Threads that run something. */
  get busyThreads(): readonly TaskThread[] {
    return [...this.#bundles.keys()];
  }

  /** Threads that are free, or will be in a moment: all they have is quick, as far as is known. */
  get soonFree(): number {
    let soon = this.#threads.idle;
    for (const [thread, bundle] of this.#bundles) {
      if ((thread.control.running()?.ageMs ?? 0) > QUICK_MS) continue;
      if (bundle.every(({ task, endedBy }) => endedBy === null && this.pace.quickMs(task.type) !== null))
        soon++;
    }
    return soon;
  }

  /** Takes back what was claimed ahead in vain: tasks that were quick so far have taken all threads, and hold them. */
  withdrawOverdue(): ClaimedTask[] {
    if (this.#ready.count === 0 || this.soonFree > 0) return [];
    return this.#ready.takeClaimedBefore(performance.now() - OVERDUE_MS);
  }

  /** Takes back everything that waits for a thread, also in a bundle: it never started. */
  withdraw(): ClaimedTask[] {
    for (const bundle of this.#bundles.values()) this.#takeBack(bundle);
    return this.#ready.takeAll();
  }

  /** Aborts an attempt and kills it a grace period later. @returns the task when it was still waiting for a thread */
  cancel(taskId: string): ClaimedTask | null {
    this.#hearAllSuccesses();
    const flight = this.flights.find(({ task }) => task.id === taskId);
    if (flight !== undefined && !this.#takeBack([flight])) {
      this.#abort(flight, 'cancel', this.#killGraceMs);
      return null;
    }
    return this.#ready.takeOne(taskId);
  }

  /** Kills a thread that runs something, with the attempt that it runs. */
  kill(threadId: number, why: Kill): void {
    const thread = this.busyThreads.find(({ id }) => id === threadId);
    if (thread !== undefined) void this.#kill(thread, why);
  }

  /** Aborts every attempt, because the runner stops. */
  abortAll(): void {
    for (const flight of this.flights) this.#abort(flight, 'stop', Number.POSITIVE_INFINITY);
  }

  /** Kills every attempt that still runs. They end when their threads have exited. */
  killAll(why: 'stop' | 'lost'): void {
    this.#hearAllSuccesses();
    for (const flight of this.flights) flight.end(why);
    const reason = why === 'stop' ? 'the runner is stopping' : 'the lease of the runner is over';
    for (const thread of new Set(this.flights.map(({ thread }) => thread)))
      void this.#kill(thread, { cause: why, reason });
    // The last attempt of the others has ended, and their answer is on its way.
    for (const thread of this.#bundles.keys()) this.#killer.expect(thread);
  }

  async #fly(thread: TaskThread, tasks: ClaimedTask[]): Promise<void> {
    const bundle = tasks.map(
      (task, index) => new Flight(task, this.#types.get(task.type) as RunnableType, thread, index),
    );
    for (const flight of bundle) this.#flights.set(flight.task.claim_token, flight);
    this.#bundles.set(thread, bundle);
    this.#watch ??= setInterval(() => this.#look(), WATCH_MS);
    thread.listen((message) => this.#hear(message));
    const death = await this.#run(thread, bundle);
    this.#hearSuccesses(thread, bundle);
    const left = bundle.filter((flight) => this.#flights.has(flight.task.claim_token));
    this.#takeBack(left);
    this.#bundles.delete(thread);
    this.#quietSince.delete(thread);
    if (this.#bundles.size === 0) this.#stopWatching();
    if (death === null) this.#threads.release(thread);
    else {
      void this.#threads.replace(thread);
      this.pump();
      await Promise.all(
        left.filter((flight) => !flight.withdrawn).map((flight) => this.#settleDead(flight, death)),
      );
    }
  }

  /** @returns why the thread is dead, or null when it lives and is clean */
  async #run(thread: TaskThread, bundle: Flight[]): Promise<string | null> {
    try {
      const { dirty } = await thread.run(bundle.map((flight) => flight.order()));
      if (dirty === null) return null;
      const { taskId: task_id, taskType: task_type, reason } = dirty;
      this.#observe({ event: 'thread_dirty', thread_id: thread.id, task_id, task_type, reason });
      await thread.kill(reason);
      return reason;
    } catch (error) {
      const reason = (error as Error).message;
      const task_id = bundle[thread.control.running()?.index ?? -1]?.task.id ?? null;
      if (!this.#killer.hasTold(thread))
        this.#observe({ event: 'thread_died', thread_id: thread.id, task_id, reason });
      await thread.kill(reason);
      return reason;
    }
  }

  async #settleDead(flight: Flight, death: string): Promise<void> {
    await this.#events.killed(flight);
    const outcome = flight.outcomeOfDeath(death);
    const ranMs = flight.ageMs();
    const error = 'error' in outcome ? outcome.error : null;
    tellRunSpan(flight.order(), { name: outcome.name, error }, ranMs);
    this.#finish(flight, { outcome, settledByTask: false, ranMs, endedAt: performance.now() });
  }

  #hearAllSuccesses(): void {
    for (const [thread, bundle] of this.#bundles) this.#hearSuccesses(thread, bundle);
  }

  /** What the control block tells. */
  #hearSuccesses(thread: TaskThread, bundle: Flight[]): void {
    const successes = thread.takeSuccesses(bundle.length);
    if (successes.length === 0) return;
    const toOurClock = performance.now() - monotonicMs();
    for (const { index, ranMs, endedAtMs, result } of successes) {
      const end = { settledByTask: false, ranMs, endedAt: endedAtMs + toOurClock };
      this.#ended(bundle[index] as Flight, { kind: 'succeeded', result }, end);
    }
  }

  #hear(message: FromThread): void {
    if (message.say === 'log') {
      this.#events.logged(message);
      return;
    }
    const flight = this.#flights.get(message.claimToken);
    if (message.say === 'outcome') {
      if (flight === undefined) return; // Ended already: by a crash whose report came before this.
      const { outcome, settledByTask, ranMs } = message;
      this.#ended(flight, outcome, { settledByTask, ranMs, endedAt: performance.now() });
    } else if (flight !== undefined) this.#events.said(flight, message);
  }

  #ended(flight: Flight, reported: ReportedOutcome, end: Omit<FlightEnd, 'outcome'>): void {
    const { settledByTask, ranMs, endedAt } = end;
    const outcome = flight.outcomeOf(reported);
    if (outcome.name === 'succeeded') this.pace.note(flight.task.type, ranMs);
    this.#finish(flight, { outcome, settledByTask, ranMs, endedAt });
  }

  #finish(flight: Flight, end: FlightEnd): void {
    this.#flights.delete(flight.task.claim_token);
    this.#events.ended(flight, end);
  }

  /** Every 25 ms while anything runs: the only place that decides that an attempt is too old. */
  #look(): void {
    this.#hearAllSuccesses();
    for (const [thread, bundle] of this.#bundles) {
      const running = thread.control.running();
      if (running === null) this.#lookAtQuiet(thread);
      else {
        this.#quietSince.delete(thread);
        const flight = bundle[running.index];
        if (flight !== undefined) this.#lookAt(flight, running, thread, bundle);
      }
    }
    this.#events.watched();
    this.pump();
  }

  #lookAt(flight: Flight, { ageMs, loading }: Running, thread: TaskThread, bundle: Flight[]): void {
    if (ageMs > Math.max(STALL_MS, 2 * this.#expectedMs(flight)))
      this.#takeBack(bundle.slice(flight.index + 1));
    if (ageMs >= (loading ? flight.loadKillAtMs : flight.killAtMs)) {
      flight.neverLoaded = flight.end('timeout') && loading;
      void this.#kill(thread, { cause: flight.endedBy ?? 'timeout', reason: flight.deathReason() });
    } else if (!loading && ageMs >= flight.timeoutMs - Math.min(this.#killGraceMs, flight.timeoutMs / 2)) {
      this.#abort(flight, 'timeout', flight.timeoutMs - ageMs);
    }
  }

  /** A bundle of which nothing runs is over in a moment, unless what an attempt left behind keeps the thread busy. */
  #lookAtQuiet(thread: TaskThread): void {
    const since = this.#quietSince.get(thread);
    if (since === undefined) this.#quietSince.set(thread, performance.now());
    else if (performance.now() - since > QUIET_MS)
      void this.#kill(thread, { cause: 'left_behind', reason: LEFT_BEHIND });
  }

  #abort(flight: Flight, reason: 'timeout' | 'cancel' | 'stop', killInMs: number): void {
    flight.killAtMs = Math.min(flight.killAtMs, flight.ageMs() + killInMs);
    if (!flight.end(reason)) return;
    flight.thread.tell({ say: 'abort', claimToken: flight.task.claim_token, reason });
  }

  async #kill(thread: TaskThread, why: Kill): Promise<void> {
    if (this.#killer.hasTold(thread)) return;
    const bundle = this.#bundles.get(thread) ?? [];
    // Until it is dead it must not start another one, which would die in the place of this one.
    this.#takeBack(bundle);
    await this.#killer.kill(thread, why, bundle.find((flight) => !flight.withdrawn)?.task ?? null);
  }

  /** What follows an attempt that takes a while can start at once when there is nothing else for an idle thread. */
  #takeBackFollowing(): void {
    for (const [thread, bundle] of this.#bundles) {
      const flight = bundle[thread.control.running()?.index ?? -1];
      if (flight !== undefined && this.#expectedMs(flight) >= BUNDLE_MS)
        this.#takeBack(bundle.slice(flight.index + 1));
    }
  }

  #expectedMs({ task }: Flight): number {
    return this.pace.quickMs(task.type) ?? 0;
  }

  /** Takes back what has not started: it is the first to go to another thread. @returns whether there was any */
  #takeBack(flights: readonly Flight[]): boolean {
    const back = flights.filter(
      ({ withdrawn, thread, index }) => !withdrawn && thread.control.withdraw(index),
    );
    for (const flight of back) {
      flight.withdrawn = true;
      this.#flights.delete(flight.task.claim_token);
    }
    this.#ready.putBack(back.map(({ task }) => task));
    return back.length > 0;
  }

  #stopWatching(): void {
    clearInterval(this.#watch);
    this.#watch = undefined;
  }
}

/** An attempt of this age keeps nobody else waiting, unless twice as much was to be expected. */
const STALL_MS = 20;

/** What is claimed ahead should begin within some 20 ms. */
const OVERDUE_MS = 1000;

const WATCH_MS = 25;

/** A thread has at most 31 ms of its own to tidy up after an attempt. */
const QUIET_MS = 1000;

const LEFT_BEHIND = 'something that an attempt left behind kept it busy';
