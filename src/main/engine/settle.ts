import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskError } from '../../../drizzle/schema/tasks.ts';
import type { Queryable } from '../database/connect.ts';
import { isLocked, refusesTheValues, untilWritten } from '../database/errors.ts';
import type { Observe } from '../observe/events.ts';
import { Batcher } from './batcher.ts';
import type { ClaimedTask } from './claim.ts';
import { type Attempted, decide, type Outcome } from './outcome.ts';
import { type Decided, isPlain, toColumns, toRow } from './settle-values.ts';
import { REREAD, SETTLE, SETTLE_COMPLETED, SETTLE_UNLOCKED } from './sql/settle.ts';
import type { Status } from './task.ts';

/** An attempt that has ended, on its way into the database. */
export interface Settlement {
  task: Pick<ClaimedTask, 'id' | 'type' | 'claim_token'> & Attempted;
  /** Its type is periodic, and its end is counted. */
  isTick?: boolean;
  outcome: Outcome;
  /** The task has called `complete`: its own transaction has settled it, if that was committed. */
  settledByTask: boolean;
  ranMs: number;
  /** From when it was due until it began; null when that is not known, or it never did. */
  waitedMs: number | null;
  /** When it ended, by `performance.now()`. */
  endedAt: number;
  threadId: number | null;
}

/** What the settler tells of its work. */
export interface SettleEvents {
  /** Awaited before each batch: what an attempt wrote comes before its end. */
  beforeSettling(): Promise<void>;
  /** This runner no longer holds a task. `dueInMs` says when it is to run again, or is null. */
  settled(task: Settlement['task'], dueInMs: number | null): void;
}

/** A claimed task that no thread has started: it is given back untouched. */
export function neverStarted(task: Omit<Settlement['task'], 'retry'>): Settlement {
  return {
    task: { ...task, retry: { strategy: 'cooldown', seconds: 0 } },
    outcome: { name: 'given_back', error: null },
    settledByTask: false,
    ranMs: 0,
    waitedMs: null,
    endedAt: performance.now(),
    threadId: null,
  };
}

/**
 * Writes what outcomes mean, in batches, until the database has acknowledged each: a settlement is never dropped. One
 * whose claim is no longer the task's is stale, and changes nothing.
 */
export class Settler {
  readonly #database: Queryable;
  readonly #observe: Observe;
  readonly #events: SettleEvents;
  readonly #batcher: Batcher<Settlement>;
  /** Settlements that were written since the start. */
  settled = 0;
  /** Settlements that were not, because the task was claimed anew meanwhile. */
  stale = 0;
  /** Until when, by `performance.now()`, rows are expected that somebody keeps locked. */
  #lockedUntil = Number.NEGATIVE_INFINITY;
  /** Each is over when the settlement is tried for again. */
  readonly #postponed = new Set<Promise<void>>();
  #leavesLocked = false;

  constructor(database: Queryable, observe: Observe, events: SettleEvents) {
    this.#database = database;
    this.#observe = observe;
    this.#events = events;
    this.#batcher = new Batcher(BATCH, (batch) => this.#write(batch));
  }

  add(settlement: Settlement): void {
    this.#batcher.add(settlement);
  }

  /** From now on a settlement whose row somebody keeps locked is given up: the rescue makes it `lost` in its time. */
  leaveLocked(): void {
    this.#leavesLocked = true;
  }

  /** Resolves when everything added so far is in the database. */
  async written(): Promise<void> {
    await this.#batcher.written();
    while (this.#postponed.size > 0) {
      await Promise.all(this.#postponed);
      await this.#batcher.written();
    }
  }

  async #write(batch: Settlement[]): Promise<void> {
    await this.#events.beforeSettling();
    let left = batch;
    while (left.length > 0) left = await this.#settleOnce(left);
  }

  /** @returns what has to be decided anew, because somebody changed the task meanwhile */
  async #settleOnce(batch: Settlement[]): Promise<Settlement[]> {
    const mine = batch.filter((settlement) => !settlement.settledByTask);
    const written = mine.length > 0 ? await this.#writeDecisions(mine) : new Set<string>();
    const others = batch.filter((settlement) => !written.has(settlement.task.claim_token));
    const again = others.length > 0 ? await this.#decideAnew(others) : [];
    return again.filter((settlement) => this.#unlessLocked(settlement, others));
  }

  /** What nobody has changed, and was not written all the same, is locked by somebody: it is left for later. */
  #unlessLocked(settlement: Settlement, before: readonly Settlement[]): boolean {
    if (!before.includes(settlement)) return true;
    this.#lockedUntil = performance.now() + LOCKS_MS;
    this.#observe({ event: 'settle_postponed', task_id: settlement.task.id });
    if (this.#leavesLocked) return false;
    const over = sleep(POSTPONED_MS).then(() => {
      this.#postponed.delete(over);
      if (!this.#leavesLocked) this.#batcher.add(settlement);
    });
    this.#postponed.add(over);
    return false;
  }

  async #writeDecisions(batch: Settlement[]): Promise<Set<string>> {
    const decided = batch.map((settlement) => ({
      settlement,
      decision: decide(settlement.task, settlement.outcome, Math.random()),
    }));
    try {
      const written = await untilWritten('settle', this.#observe, (last) => this.#query(decided, last));
      for (const { settlement, decision } of decided) {
        if (!written.has(settlement.task.claim_token)) continue;
        this.#tell(settlement, decision.status, decision.error);
        const dueInMs = decision.status === 'queued' ? decision.delaySeconds * 1000 : null;
        this.#events.settled(settlement.task, dueInMs);
      }
      return written;
    } catch (error) {
      if (!refusesTheValues(error)) throw error;
      return this.#writeOneByOne(batch, error as Error);
    }
  }

  /** @param last the error of the time before @returns the claim tokens of what is settled now */
  async #query(decided: readonly Decided[], last: unknown): Promise<Set<string>> {
    if (isLocked(last)) this.#lockedUntil = performance.now() + LOCKS_MS;
    if (performance.now() < this.#lockedUntil) return this.#settle(decided, SETTLE_UNLOCKED);
    const plain = decided.filter(isPlain);
    const written = plain.length > 0 ? await this.#complete(plain) : new Set<string>();
    if (plain.length === decided.length) return written;
    const others = decided.filter((one) => !isPlain(one));
    for (const token of await this.#settle(others, SETTLE)) written.add(token);
    return written;
  }

  async #settle(
    decided: readonly Decided[],
    text: typeof SETTLE | typeof SETTLE_UNLOCKED,
  ): Promise<Set<string>> {
    const name = text === SETTLE ? 'settle' : 'settle-unlocked';
    const values = [JSON.stringify(decided.map(toRow))];
    const { rows } = await this.#database.query<{ claim_token: string }>({ name, text, values });
    return new Set(rows.map((row) => row.claim_token));
  }

  async #complete(decided: readonly Decided[]): Promise<Set<string>> {
    const { rows } = await this.#database.query<{ count: number; claim_tokens: string[] | null }>({
      name: 'settle-completed',
      text: SETTLE_COMPLETED,
      values: toColumns(decided),
    });
    return new Set(rows[0]?.claim_tokens ?? decided.map(({ settlement }) => settlement.task.claim_token));
  }

  /** A value that the database refuses must not hold up the others; its own task has failed. */
  async #writeOneByOne(batch: Settlement[], error: Error): Promise<Set<string>> {
    if (batch.length === 1) {
      const [settlement] = batch as [Settlement];
      const refused: TaskError = {
        name: REFUSED,
        message: `its outcome cannot be stored: ${error.message}`,
      };
      // When that is refused too, it is the delay of its retry that cannot be stored: then there is none.
      const name = isRefused(settlement.outcome) ? 'invalid' : 'failed';
      return this.#writeDecisions([{ ...settlement, outcome: { name, error: refused } }]);
    }
    const written = new Set<string>();
    for (const settlement of batch)
      for (const token of await this.#writeDecisions([settlement])) written.add(token);
    return written;
  }

  async #decideAnew(batch: Settlement[]): Promise<Settlement[]> {
    const { rows } = await untilWritten('settle', this.#observe, () =>
      this.#database.query<Reread>({
        name: 'reread',
        text: REREAD,
        values: [batch.map(({ task }) => task.id)],
      }),
    );
    const now = new Map(rows.map((row) => [row.id, row]));
    return batch.flatMap((settlement) => this.#afterLook(settlement, now.get(settlement.task.id)));
  }

  #afterLook(settlement: Settlement, now: Reread | undefined): Settlement[] {
    const { task } = settlement;
    if (now === undefined || now.claim_token !== task.claim_token) {
      this.stale++;
      this.#observe({ event: 'stale_settle', task_id: task.id, claim_token: task.claim_token });
      this.#events.settled(task, null);
      return [];
    }
    if (now.status !== 'running') {
      // Settled under this very claim: by the task itself, or by our own statement whose answer got lost.
      this.#tell(settlement, now.status, null);
      this.#events.settled(task, null);
      return [];
    }
    const { max_retries, cancel_requested } = now;
    const isAsItWas = task.max_retries === max_retries && task.cancel_requested === cancel_requested;
    if (isAsItWas && !settlement.settledByTask) return [settlement];
    const outcome = settlement.settledByTask ? notCommitted(settlement.outcome) : settlement.outcome;
    return [
      { ...settlement, task: { ...task, max_retries, cancel_requested }, outcome, settledByTask: false },
    ];
  }

  #tell({ task, outcome, ranMs, waitedMs }: Settlement, status: Status, error: string | null): void {
    this.settled++;
    this.#observe({
      event: 'attempt_ended',
      task_id: task.id,
      task_type: task.type,
      attempt: task.attempt,
      outcome: outcome.name,
      status,
      ran_ms: ranMs,
      waited_ms: waitedMs,
      ...(error !== null && { error }),
    });
  }
}

/** The most settlements in a statement. */
const BATCH = 1000;

/** A row that is locked for long will be so for a while, and others may be. */
const LOCKS_MS = 60_000;
const POSTPONED_MS = 1000;

interface Reread {
  id: string;
  claim_token: string;
  status: Status;
  max_retries: number;
  cancel_requested: boolean;
}

const REFUSED = 'SettleError';

function isRefused(outcome: Outcome): boolean {
  return outcome.name === 'failed' && outcome.error.name === REFUSED;
}

function notCommitted(outcome: Outcome): Outcome {
  if (outcome.name !== 'succeeded') return outcome;
  return {
    name: 'failed',
    error: { name: 'Error', message: 'complete() was called, but its transaction was not committed' },
  };
}
