import { setTimeout as sleep } from 'node:timers/promises';
import type { Queryable } from '../database/connect.ts';
import { describe, growingPause, isPassing, passingPause, untilWritten } from '../database/errors.ts';
import type { Observe } from '../observe/events.ts';
import { FOLLOWING } from './bundle.ts';
import { findClaimed, type Room, type Wanted } from './claim.ts';
import type { ClaimTurns } from './claim-turns.ts';
import type { ClaimedTask } from './claimed-task.ts';
import type { Dispatcher } from './dispatch.ts';
import type { RunnableType } from './task-types.ts';
import type { ThreadPool } from './thread-pool.ts';

/**
 * Decides when to claim and how much: what will start soon. That is one task for each thread that is free, and of
 * quick types as many as the threads do in a moment, so that they never wait for the database.
 *
 * One claim at a time. A reason to look that comes up meanwhile is looked into afterwards.
 */
export class ClaimLoop {
  readonly #runnerId: string;
  readonly #database: Queryable;
  readonly #types: readonly RunnableType[];
  readonly #observe: Observe;
  readonly #threads: ThreadPool;
  readonly #dispatcher: Dispatcher;
  readonly #pollMs: number;
  readonly #turns: ClaimTurns;
  /** Types of which only so many may run at once. */
  readonly #limited: ReadonlySet<string>;
  #open = false;
  #again = false;
  /** Nothing is claimed until more of what has ended is settled. */
  #behind = false;
  #claiming: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  #poll: NodeJS.Timeout | undefined;
  /** Times to look at, by their slot. */
  readonly #due = new Map<number, NodeJS.Timeout>();
  /** The claim tokens of what was claimed here and is not settled. */
  readonly #tokens = new Set<string>();
  /** How many those are of each type. */
  readonly #held = new Map<string, number>();
  /** When the table was last asked for tasks that this runner has and does not know of, by `performance.now()`. */
  #lookedForLostAt = performance.now();
  /**
   * A claim has failed: it may have been committed, and only its answer got lost. Until this time, by
   * `performance.now()`, such claims are looked for often, because a backend can also commit after its connection broke.
   */
  #lookForLostUntil = Number.NEGATIVE_INFINITY;
  /** How long claims that find something take: a moving average. */
  #claimMs = 0;
  /** Claims that have failed, one after the other. */
  #failures = 0;
  /** Tasks claimed since the start. */
  claimed = 0;

  constructor(
    parts: { runnerId: string; database: Queryable; types: readonly RunnableType[]; observe: Observe },
    threads: ThreadPool,
    dispatcher: Dispatcher,
    turns: ClaimTurns,
  ) {
    this.#runnerId = parts.runnerId;
    this.#database = parts.database;
    this.#types = parts.types;
    this.#observe = parts.observe;
    this.#threads = threads;
    this.#dispatcher = dispatcher;
    this.#turns = turns;
    const limited = parts.types.filter((type) => type.batchSize !== null || type.limits !== null);
    this.#limited = new Set(limited.map(({ name }) => name));
    this.#pollMs = 1000 * Math.min(MOST_POLL_SECONDS, ...parts.types.map((type) => type.pollIntervalSeconds));
  }

  open(): void {
    this.#open = true;
    this.look();
  }

  close(): void {
    this.#open = false;
    clearTimeout(this.#poll);
    for (const timer of this.#due.values()) clearTimeout(timer);
    this.#due.clear();
  }

  /** Closes, and waits for the claim that is under way, and for those whose answer got lost, until they are found. */
  closeAndWait(): Promise<void> {
    this.close();
    // Once, however many wait: what is found would be taken twice.
    this.#closing ??= this.#closeInTheEnd();
    return this.#closing;
  }

  async #closeInTheEnd(): Promise<void> {
    await this.#claiming;
    if (performance.now() > this.#lookForLostUntil) return;
    await untilWritten('claim', this.#observe, () => this.#findLost());
  }

  /** Looks in so many milliseconds. Times that are close together make one look; what is too much is left to polling. */
  wake(inMs: number): void {
    if (inMs <= 0) {
      this.look();
      return;
    }
    const slot = Math.ceil((performance.now() + inMs) / SLOT_MS);
    if (!this.#open || inMs > LONGEST_TIMER_MS || this.#due.has(slot) || this.#due.size >= MOST_DUE) return;
    const timer = setTimeout(
      () => {
        this.#due.delete(slot);
        this.look();
      },
      slot * SLOT_MS - performance.now(),
    );
    this.#due.set(slot, timer);
  }

  /** A task that was claimed here is settled. It may be due again, or make room for another one of its type. */
  settled({ type, claim_token }: Pick<ClaimedTask, 'type' | 'claim_token'>, dueInMs: number | null): void {
    if (this.#tokens.delete(claim_token)) this.#held.set(type, this.#heldOf(type) - 1);
    if (dueInMs !== null) this.wake(dueInMs);
    else if (this.#limited.has(type) || (this.#behind && this.#tokens.size < MOST_HELD / 2)) this.look();
  }

  /** Claims, if there is room. */
  look(): void {
    if (!this.#open) return;
    if (this.#claiming !== null) {
      this.#again = true;
      return;
    }
    this.#claiming = this.#claimWhileThereIsMore();
  }

  async #claimWhileThereIsMore(): Promise<void> {
    clearTimeout(this.#poll);
    do {
      this.#again = false;
      if (await this.#claimOnce()) this.#again = true;
    } while (this.#open && this.#again);
    this.#claiming = null; // In the same turn: a look that comes now must not be lost.
    if (this.#open) this.#poll = setTimeout(() => this.look(), this.#pollMs * (0.9 + Math.random() * 0.2));
  }

  /** @returns whether there may be more that could be taken right now */
  async #claimOnce(): Promise<boolean> {
    try {
      if (this.#mayHaveLost()) await this.#findLost();
      const room = this.#room();
      if (room === null) return false;
      const claimedAt = performance.now();
      const tasks = await this.#turns.claim(room);
      if (tasks.length > 0)
        this.#claimMs += (performance.now() - claimedAt - this.#claimMs) * NEW_CLAIM_WEIGHT;
      this.#failures = 0;
      this.#take(tasks);
      return tasks.length > 0;
    } catch (error) {
      this.#lookForLostUntil = performance.now() + LOST_MS;
      this.#lookedForLostAt = Number.NEGATIVE_INFINITY;
      this.#tellError(error);
      await sleep(isPassing(error) ? passingPause() : growingPause(250, this.#failures++, LONGEST_PAUSE_MS));
      return true;
    }
  }

  /** Also now and then without a reason: a row edited by hand can name this runner, and nobody else would take it. */
  #mayHaveLost(): boolean {
    const now = performance.now();
    return now - this.#lookedForLostAt > (now < this.#lookForLostUntil ? LOST_EVERY_MS : RECONCILE_MS);
  }

  /** Takes what a claim has claimed whose answer got lost: nobody else ever would. */
  async #findLost(): Promise<void> {
    const tasks = await findClaimed(this.#database, this.#runnerId, [...this.#tokens]);
    this.#lookedForLostAt = performance.now();
    this.#take(tasks);
    await this.#turns.takeStrayKeys();
  }

  #take(tasks: readonly ClaimedTask[]): void {
    if (tasks.length === 0) return;
    this.claimed += tasks.length;
    const by_type: Record<string, number> = {};
    for (const { type, claim_token } of tasks) {
      this.#tokens.add(claim_token);
      this.#held.set(type, this.#heldOf(type) + 1);
      by_type[type] = (by_type[type] ?? 0) + 1;
    }
    this.#dispatcher.add(tasks); // First: a lone task waits for nothing else.
    this.#observe({ event: 'tasks_claimed', count: tasks.length, by_type });
  }

  #tellError(error: unknown): void {
    this.#observe({ event: 'database_error', during: 'claim', ...describe(error) });
  }

  #heldOf(type: string): number {
    return this.#held.get(type) ?? 0;
  }

  /** What can be claimed now, or null when nothing would start soon. */
  #room(): Room | null {
    const { ready, soonFree } = this.#dispatcher;
    const most = MOST_READY - ready.count;
    // What has ended and is not settled is still held: when that piles up, the database is behind, or away.
    this.#behind = this.#tokens.size > MOST_HELD;
    if (soonFree === 0 || most < MOST_READY / 2 || this.#behind) return null;
    const readyByType = ready.countByType();
    const mostSlow = Math.max(0, soonFree - this.#slowOf(readyByType));
    const wanted = this.#types.flatMap((type): Wanted[] => {
      const quickMs = this.#dispatcher.pace.quickMs(type.name);
      const soon = quickMs === null ? mostSlow : this.#store(quickMs, readyByType.get(type.name) ?? 0);
      const limit = (type.batchSize ?? Number.POSITIVE_INFINITY) - this.#heldOf(type.name);
      const free = Math.min(soon, limit, most);
      return free > 0
        ? [{ type: type.name, free, quick: quickMs !== null, tick: type.kind === 'periodic' }]
        : [];
    });
    return wanted.length === 0 ? null : { wanted, most, mostSlow };
  }

  #slowOf(readyByType: ReadonlyMap<string, number>): number {
    let slow = 0;
    for (const [type, count] of readyByType) if (this.#dispatcher.pace.quickMs(type) === null) slow += count;
    return slow;
  }

  /**
   * Room for a quick type: none until half of its store is used up, since few large claims cost less than many. That half
   * lasts for as long as a claim takes.
   */
  #store(quickMs: number, ready: number): number {
    const lastsMs = Math.min(Math.max(LEAST_STORE_MS, 2 * this.#claimMs), MOST_STORE_MS);
    const store = this.#threads.size * Math.max(FOLLOWING, lastsMs / quickMs);
    return ready > store / 2 ? 0 : Math.ceil(store) - ready;
  }
}

/** How much work the threads may have in store, in milliseconds of theirs. */
const LEAST_STORE_MS = 20;
/** A database that is slow, or far away. */
const MOST_STORE_MS = 200;
const NEW_CLAIM_WEIGHT = 0.2;

const LOST_MS = 60_000;
const LOST_EVERY_MS = 500;
const RECONCILE_MS = 10_000;
const LONGEST_PAUSE_MS = 2000;
const MOST_READY = 3000;
const MOST_HELD = 5000;
const MOST_POLL_SECONDS = 5;
const SLOT_MS = 20;
const MOST_DUE = 10_000;
const LONGEST_TIMER_MS = 2 ** 30;
