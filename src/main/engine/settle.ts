import { inTransaction, type Queryable } from '../database/connect.ts';
import {
  describe,
  growingPause,
  isLocked,
  isTooSlow,
  leavesOutcomeOpen,
  mayBeOneRow,
  refusesTheValues,
  untilWritten,
} from '../database/errors.ts';
import type { Observe } from '../observe/events.ts';
import { Batcher } from './batcher.ts';
import { writeByHalves } from './halves.ts';
import { LateSettlements } from './late-settlements.ts';
import { decide } from './outcome.ts';
import { type Decided, isPlain, toColumns, toRows } from './settle-values.ts';
import { notCommitted, refused, type Settlement } from './settlement.ts';
import {
  END_ABANDONED,
  REREAD,
  SETTLE,
  SETTLE_COMPLETED,
  SETTLE_PATIENTLY,
  SETTLE_UNLOCKED,
  WITHOUT_STATEMENT_TIMEOUT,
} from './sql/settle.ts';
import type { Status } from './task.ts';

/** What the settler tells of its work. */
export interface SettleEvents {
  /** Awaited before each batch: what an attempt wrote comes before its end. */
  beforeSettling(): Promise<void>;
  /** This runner no longer holds a task. `dueInMs` says when it is to run again, or is null. */
  settled(task: Settlement['task'], dueInMs: number | null): void;
}

/**
 * Writes what outcomes mean, in batches, until the database has acknowledged each: a settlement is never dropped. One
 * whose claim is no longer the task's is stale, and changes nothing.
 *
 * One that cannot be written must not hold up the others. What has failed, and not because the database is away, is set
 * aside with its batch: beside the batches that go on it is tried in halves, until those that fail are found. Each of
 * these is then tried by itself, with all the time it may need, and again at growing intervals.
 */
export class Settler {
  readonly #database: Queryable;
  readonly #observe: Observe;
  readonly #events: SettleEvents;
  readonly #batcher: Batcher<Settlement>;
  readonly #aside: Batcher<Settlement>;
  readonly #late: LateSettlements;
  /** Settlements that were written since the start. */
  settled = 0;
  /** Settlements that were not, because the task was claimed anew meanwhile. */
  stale = 0;
  /** Until when, by `performance.now()`, rows are expected that somebody keeps locked. */
  #lockedUntil = Number.NEGATIVE_INFINITY;

  constructor(database: Queryable, observe: Observe, events: SettleEvents) {
    this.#database = database;
    this.#observe = observe;
    this.#events = events;
    this.#batcher = new Batcher(BATCH, (batch) => this.#write(batch));
    this.#aside = new Batcher(BATCH, (batch) => this.#writeAside(batch));
    this.#late = new LateSettlements((settlement) => this.#aside.add(settlement));
  }

  add(settlement: Settlement): void {
    this.#batcher.add(settlement);
  }

  /** From now on what cannot be written with the others is given up: the rescue makes it `lost` in its time. */
  giveUpLate(): void {
    this.#late.giveUp();
  }

  /** The claim tokens of what could not be written with the others, so far. */
  get late(): string[] {
    return this.#late.tokens;
  }

  /** Resolves when everything added so far is in the database, or late. */
  tried(): Promise<void> {
    return this.#batcher.written();
  }

  /** Resolves when everything added so far is in the database, or given up. */
  async written(): Promise<void> {
    await this.tried();
    await this.#late.none();
  }

  async #write(batch: Settlement[]): Promise<void> {
    await this.#events.beforeSettling();
    const inTime: Way = {
      send: (decided, last) => this.#sendTogether(decided, last),
      isFinal: mayBeOneRow,
    };
    const { left, error } = await this.#settle(batch, inTime);
    if (left.length > 0) this.#observe({ event: 'database_error', during: 'settle', ...describe(error) });
    for (const settlement of left) this.#late.add(settlement);
  }

  async #writeAside(batch: Settlement[]): Promise<void> {
    const inTime: Way = { send: (decided) => this.#sendRows(UNLOCKED, decided), isFinal: mayBeOneRow };
    const failing =
      batch.length === 1
        ? batch
        : await writeByHalves(batch, async (some) => (await this.#settle(some, inTime)).left);
    for (const settlement of failing) {
      if (this.#late.givesUp) this.#late.done(settlement);
      else await this.#writeAlone(settlement);
    }
  }

  /** What most are goes first, in a statement of its own. @returns the claim tokens of what is settled */
  async #sendTogether(decided: readonly Decided[], last: unknown): Promise<Set<string>> {
    if (isLocked(last)) this.#lockedUntil = performance.now() + LOCKS_MS;
    if (performance.now() < this.#lockedUntil) return this.#sendRows(UNLOCKED, decided);
    const plain = decided.filter(isPlain);
    const written = plain.length > 0 ? await this.#sendPlain(plain) : new Set<string>();
    if (plain.length === decided.length) return written;
    const others = decided.filter((one) => !isPlain(one));
    for (const token of await this.#sendRows({ name: 'settle', text: SETTLE }, others)) written.add(token);
    return written;
  }

  async #sendPlain(decided: readonly Decided[]): Promise<Set<string>> {
    const statement = { name: 'settle-completed', text: SETTLE_COMPLETED };
    const [all] = await this.#sendInTime<{ claim_tokens: string[] | null }>(statement, toColumns(decided));
    return new Set(all?.claim_tokens ?? decided.map(({ settlement }) => settlement.task.claim_token));
  }

  async #sendRows(statement: Statement, decided: readonly Decided[]): Promise<Set<string>> {
    return tokensOf(await this.#sendInTime(statement, [toRows(decided)]));
  }

  async #sendInTime<Row extends object = Settled>(statement: Statement, values: unknown[]): Promise<Row[]> {
    const sentAt = performance.now();
    try {
      return (await this.#database.query<Row>({ ...statement, values })).rows;
    } catch (error) {
      if (leavesOutcomeOpen(error) && isTooSlow(error)) await this.#endAbandoned(performance.now() - sentAt);
      throw error;
    }
  }

  /** @param waitedMs from before it was sent: the server may have begun a little later */
  async #endAbandoned(waitedMs: number): Promise<void> {
    try {
      await this.#database.query(END_ABANDONED, [(waitedMs / 1000) * 0.9]);
    } catch (error) {
      this.#observe({ event: 'database_error', during: 'ending a settle', ...describe(error) });
    }
  }

  /** A value that the database refuses fails its own task. */
  async #writeAlone(settlement: Settlement): Promise<void> {
    this.#late.tryAlone(settlement);
    let { left, error } = await this.#settle([settlement], this.#patiently());
    // When the failure is refused too, it is the delay of its retry that cannot be stored: then there is none.
    for (const name of ['failed', 'invalid'] as const) {
      if (left[0] === undefined || !refusesTheValues(error)) break;
      const failed = refused(left[0], name, describe(error).message);
      ({ left, error } = await this.#settle([failed], this.#patiently()));
    }
    if (left.length > 0) this.#putOff(settlement, describe(error).message, longerAndLonger);
  }

  /** To release a hundred thousand dependants takes longer than any statement should. */
  #patiently(): Way {
    return {
      send: (decided) =>
        inTransaction(this.#database, async (client) => {
          await client.query(WITHOUT_STATEMENT_TIMEOUT);
          const values = [toRows(decided)];
          const statement = { text: SETTLE_PATIENTLY, values, query_timeout: PATIENCE_MS };
          return tokensOf((await client.query<Settled>(statement)).rows);
        }),
      isFinal: (error) => mayBeOneRow(error) || this.#late.givesUp,
    };
  }

  /** @returns what could not be written, and why */
  async #settle(batch: readonly Settlement[], way: Way): Promise<{ left: Settlement[]; error: unknown }> {
    let left = [...batch];
    try {
      while (left.length > 0) left = await this.#settleOnce(left, way);
      return { left, error: null };
    } catch (error) {
      return { left, error };
    }
  }

  /** @returns what has to be decided anew, because somebody changed the task meanwhile */
  async #settleOnce(batch: Settlement[], way: Way): Promise<Settlement[]> {
    const mine = batch.filter((settlement) => !settlement.settledByTask);
    const written = mine.length > 0 ? await this.#writeDecisions(mine, way) : new Set<string>();
    const others = batch.filter((settlement) => !written.has(settlement.task.claim_token));
    const again = others.length > 0 ? await this.#decideAnew(others) : [];
    return again.filter((settlement) => this.#unlessLocked(settlement, others));
  }

  /** What nobody has changed, and was not written all the same, is locked by somebody: it is left for later. */
  #unlessLocked(settlement: Settlement, before: readonly Settlement[]): boolean {
    if (!before.includes(settlement)) return true;
    this.#lockedUntil = performance.now() + LOCKS_MS;
    this.#putOff(settlement, 'somebody keeps a row locked', () => LOCKED_MS);
    return false;
  }

  #putOff(settlement: Settlement, reason: string, pauseMs: (before: number) => number): void {
    const { id: task_id, type: task_type } = settlement.task;
    this.#observe({ event: 'settle_postponed', task_id, task_type, reason });
    this.#late.putOff(settlement, pauseMs);
  }

  async #writeDecisions(batch: Settlement[], { send, isFinal }: Way): Promise<Set<string>> {
    const decided = batch.map((settlement) => ({
      settlement,
      decision: decide(settlement.task, settlement.outcome, Math.random()),
    }));
    const written = await untilWritten('settle', this.#observe, (last) => send(decided, last), isFinal);
    for (const { settlement, decision } of decided) {
      if (!written.has(settlement.task.claim_token)) continue;
      this.#tell(settlement, decision.status, decision.error);
      this.#letGo(settlement, decision.status === 'queued' ? decision.delaySeconds * 1000 : null);
    }
    return written;
  }

  async #decideAnew(batch: Settlement[]): Promise<Settlement[]> {
    const ids = batch.map(({ task }) => task.id);
    const { rows } = await untilWritten(
      'settle',
      this.#observe,
      () => this.#database.query<Reread>(REREAD, [ids]),
      () => false, // It only reads: what is in its way is in everybody's.
    );
    const now = new Map(rows.map((row) => [row.id, row]));
    return batch.flatMap((settlement) => this.#afterLook(settlement, now.get(settlement.task.id)));
  }

  #afterLook(settlement: Settlement, now: Reread | undefined): Settlement[] {
    const { task } = settlement;
    if (now === undefined || now.claim_token !== task.claim_token) {
      this.stale++;
      this.#observe({ event: 'stale_settle', task_id: task.id, claim_token: task.claim_token });
      this.#letGo(settlement, null);
      return [];
    }
    if (now.status !== 'running') {
      // Settled under this very claim: by the task itself, or by our own statement whose answer got lost.
      this.#tell(settlement, now.status, null);
      this.#letGo(settlement, null);
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

  #letGo(settlement: Settlement, dueInMs: number | null): void {
    this.#late.done(settlement);
    this.#events.settled(settlement.task, dueInMs);
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

/** How a settlement is sent, and after which error it is left to another way. */
interface Way {
  /** @param last the error of the time before @returns the claim tokens of what is settled */
  send(decided: readonly Decided[], last: unknown): Promise<Set<string>>;
  isFinal(error: unknown): boolean;
}

interface Settled {
  claim_token: string;
}

function tokensOf(rows: readonly Settled[]): Set<string> {
  return new Set(rows.map(({ claim_token }) => claim_token));
}

interface Statement {
  name: string;
  text: string;
}

const UNLOCKED: Statement = { name: 'settle-unlocked', text: SETTLE_UNLOCKED };

/** The most settlements in a statement. */
const BATCH = 1000;

/** A row that is locked for long will be so for a while, and others may be. */
const LOCKS_MS = 60_000;
const LOCKED_MS = 1000;

/** A hundred thousand dependants are released in half a minute. */
const PATIENCE_MS = 3_600_000;

function longerAndLonger(before: number): number {
  return growingPause(1000, before, 60_000);
}

interface Reread {
  id: string;
  claim_token: string;
  status: Status;
  max_retries: number;
  cancel_requested: boolean;
}
