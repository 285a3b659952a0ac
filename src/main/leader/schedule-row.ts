import { cronSlots } from './cron.ts';
import { everySlots } from './slots.ts';
import { type LookReason, planTicks, type TickPlan } from './ticks.ts';

/** A schedule as the table has it, with what its plan is made from. */
export interface ScheduleRow {
  name: string;
  /** `every 30 seconds`, or a cron expression. */
  schedule: string;
  timezone: string;
  missed: 'skip' | 'once' | 'all';
  overlap: 'skip' | 'queue';
  run_on_start: boolean;
  paused: boolean;
  last_slot: Date | null;
  next_run_at: Date | null;
  /** Of an interval, in milliseconds. */
  every_ms: number | null;
  /** The latest tick or run; only read when there is no last slot. */
  last_tick: Date | null;
  /** Ticks that wait, of a schedule that is due; at most MOST_WAITING are counted. */
  waiting: number;
  /** The database's clock. */
  now: Date;
}

/** The most ticks of a type that may wait. */
export const MOST_WAITING = 1000;

/** Whether there is anything to plan. A last slot in the future says that the clock was set back. */
export function isDue({ next_run_at, last_slot, now }: ScheduleRow): boolean {
  return next_run_at === null || next_run_at <= now || (last_slot !== null && last_slot > now);
}

/** Plans a schedule that is not paused. @throws Error when its cron expression or time zone is not valid */
export function planRow(row: ScheduleRow, reason: LookReason): TickPlan {
  const slots = row.every_ms === null ? cronSlots(row.schedule, row.timezone) : everySlots(row.every_ms);
  const cursor = row.last_slot?.getTime() ?? null;
  const standing = {
    cursor,
    lastTick: row.last_tick?.getTime() ?? null,
    // Only a pause takes the next run from a schedule that has had slots.
    resumed: cursor !== null && row.next_run_at === null,
    room: MOST_WAITING - row.waiting,
  };
  const rules = { slots, missed: row.missed, runOnStart: row.run_on_start };
  return planTicks(rules, standing, row.now.getTime(), reason);
}

/** Whether a plan leaves the schedule other than it is. */
export function changes(plan: TickPlan, row: ScheduleRow): boolean {
  return (
    plan.due.length > 0 ||
    plan.cursor !== row.last_slot?.getTime() ||
    plan.next !== (row.next_run_at?.getTime() ?? null)
  );
}
