import type { Queryable } from '../database/connect.ts';
import { describe } from '../database/errors.ts';
import type { RunnableType } from '../engine/task-types.ts';
import type { Observe } from '../observe/events.ts';
import { changes, isDue, MOST_WAITING, planRow, type ScheduleRow } from './schedule-row.ts';
import { HOLD, SCHEDULES } from './sql/schedule.ts';
import { submitTicks } from './submit-ticks.ts';

/**
 * Submits the ticks of periodic tasks, as the leader. What is due is what the database's clock says at a look: the
 * local timer, which is set to the next slot, only triggers one. A look that fails is repeated.
 */
export class Scheduler {
  readonly #runnerId: string;
  readonly #database: Queryable;
  readonly #types: readonly string[];
  readonly #observe: Observe;
  #on = false;
  #reason: 'start' | 'takeover' = 'start';
  /** Schedules that were there at the start and were not planned since. Null before the first look. */
  #unplanned: Set<string> | null = null;
  #looking: Promise<void> | null = null;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #next: { timer: NodeJS.Timeout; at: number } | null = null;

  /** @param runnerId submits only while it leads @param types what this runner can run */
  constructor(runnerId: string, database: Queryable, types: readonly RunnableType[], observe: Observe) {
    this.#runnerId = runnerId;
    this.#database = database;
    this.#types = types.map((type) => type.name);
    this.#observe = observe;
  }

  /** Looks now, and from then on whenever a slot is due. @param reason decides about what was missed */
  start(reason: 'start' | 'takeover'): void {
    this.#on = true;
    this.#reason = reason;
    this.#unplanned = null;
    this.#lookIn(0);
  }

  /** Resolves when the look that is under way has ended. */
  async stop(): Promise<void> {
    this.#on = false;
    clearTimeout(this.#next?.timer);
    this.#next = null;
    await this.#looking;
  }

  /** Looks soon: a schedule may have been paused or resumed. Cheap to call for each of many notifications. */
  look(): void {
    this.#lookIn(this.#lookedAt + LEAST_GAP_MS - performance.now());
  }

  /** Of several such times only the next is kept: each look sets the one after it. */
  #lookIn(inMs: number): void {
    const at = performance.now() + Math.max(0, inMs);
    if (!this.#on || (this.#next !== null && this.#next.at <= at)) return;
    clearTimeout(this.#next?.timer);
    const timer = setTimeout(() => this.#startLook(), Math.max(0, Math.ceil(inMs)));
    this.#next = { timer, at };
  }

  #startLook(): void {
    this.#next = null;
    if (this.#looking !== null) {
      this.#lookIn(SOON_MS);
      return;
    }
    this.#looking = this.#lookAtAll().then((inMs) => {
      this.#looking = null;
      this.#lookIn(inMs);
    });
  }

  /** @returns in how many milliseconds to look again */
  async #lookAtAll(): Promise<number> {
    const askedAt = performance.now();
    const rows = await this.#read();
    this.#lookedAt = performance.now();
    if (rows === null) return RETRY_MS;
    // The clock was read somewhere between asking and the answer.
    const clockReadAt = (askedAt + this.#lookedAt) / 2;
    this.#unplanned ??= new Set(rows.map((row) => row.name));
    let inMs = LOOK_MS;
    for (const row of rows) inMs = Math.min(inMs, await this.#tryToAdvance(row));
    return inMs - (performance.now() - clockReadAt);
  }

  async #read(): Promise<ScheduleRow[] | null> {
    const values = [this.#types, MOST_WAITING];
    try {
      const { rows } = await this.#database.query<ScheduleRow>({
        name: 'schedules',
        text: SCHEDULES,
        values,
      });
      return rows;
    } catch (error) {
      this.#observe({ event: 'database_error', during: 'schedules', ...describe(error) });
      return null;
    }
  }

  /** One schedule that cannot be advanced does not hold up the others. */
  async #tryToAdvance(row: ScheduleRow): Promise<number> {
    if (!this.#on) return LOOK_MS;
    try {
      return await this.#advance(row);
    } catch (error) {
      this.#observe({ event: 'database_error', during: `schedule of ${row.name}`, ...describe(error) });
      return RETRY_MS;
    }
  }

  /** @returns how long after the clock was read to look again, in milliseconds */
  async #advance(row: ScheduleRow): Promise<number> {
    if (row.paused) return this.#hold(row);
    const first = this.#unplanned?.has(row.name) === true;
    if (!first && !isDue(row)) return untilNext(row.next_run_at?.getTime() ?? null, row);
    const plan = planRow(row, first ? this.#reason : 'time');
    if (changes(plan, row) && !(await submitTicks(this.#database, this.#runnerId, row, plan, this.#observe)))
      return SOON_MS;
    this.#unplanned?.delete(row.name);
    return untilNext(plan.next, row, plan.due.length === 0);
  }

  async #hold(row: ScheduleRow): Promise<number> {
    if (row.next_run_at !== null) await this.#database.query(HOLD, [row.name]);
    this.#unplanned?.delete(row.name);
    return LOOK_MS;
  }
}

/** @param idle nothing was submitted: what is due nevertheless waits until there is room for it */
function untilNext(next: number | null, { now }: ScheduleRow, idle = false): number {
  const inMs = next === null ? LOOK_MS : next - now.getTime();
  return idle && inMs <= 0 ? LOOK_MS : inMs;
}

/** The longest without a look: the offset to the database's clock stays fresh, and a lost notification is made up for. */
const LOOK_MS = 2000;

/** Notifications come with every submission: no more looks than this because of them. */
const LEAST_GAP_MS = 250;

/** When a schedule was changed while it was planned, or a look is still under way. */
const SOON_MS = 20;

const RETRY_MS = 300;
