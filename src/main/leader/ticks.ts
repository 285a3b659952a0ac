import type { Slots } from './slots.ts';

/*
 * Decides which slots of a schedule are to be submitted now. Pure: instants come in and go out, as milliseconds since
 * 1970 by the database's clock.
 */

/** Why somebody looks: this runner has started as the leader, it takes over from another one, or time has passed. */
export type LookReason = 'start' | 'takeover' | 'time';

export interface TickRules {
  slots: Slots;
  missed: 'skip' | 'once' | 'all';
  runOnStart: boolean;
}

/** Where a schedule stands. */
export interface Standing {
  /** Every slot up to here is dealt with. Null when the schedule is new, or was edited. */
  cursor: number | null;
  /** The latest tick or run there has been, also under a schedule that was edited since. */
  lastTick: number | null;
  /** It was paused until now: what has passed meanwhile was not missed. */
  resumed: boolean;
  /** How many more ticks may wait. */
  room: number;
}

export interface TickPlan {
  /** To be submitted now, oldest first. */
  due: number[];
  /** They were missed and are caught up with one after the other, even while one still runs. */
  catchingUp: boolean;
  cursor: number;
  /** Null when there is none. Not after now: then there is more to catch up with. */
  next: number | null;
  /** The slots from `from` on and before `before` were missed, and will not run. */
  passedOver: { from: number; before: number } | null;
}

/** Plans what to do about a schedule that is not paused. */
export function planTicks(rules: TickRules, standing: Standing, now: number, reason: LookReason): TickPlan {
  const { slots } = rules;
  const { cursor, resumed } = standing;
  if (cursor === null) return begin(rules, standing, now, reason);
  if (cursor - now > slots.mostAheadMs) return wait(slots, now);
  const latest = slots.latest(cursor, now);
  if (latest === null) return wait(slots, cursor);
  if (reason === 'start' && rules.runOnStart && (resumed || rules.missed !== 'all')) {
    return runOnce(slots, now, resumed ? null : slots.after(cursor));
  }
  if (resumed) return wait(slots, latest);
  if (rules.missed === 'all') return catchUp(slots, cursor, now, reason, standing.room);
  const onTime = reason === 'time' && now - latest <= ON_TIME_MS;
  return rules.missed === 'once' || onTime
    ? runOnce(slots, latest, slots.after(cursor))
    : passOver(slots, latest, slots.after(cursor));
}

/** A slot that the running scheduler sees no later than this was not missed. */
const ON_TIME_MS = 5000;

/** The most slots that one look catches up with: the rest follows at the next one. */
export const CATCH_UP = 200;

/** A schedule without a past. The first run ever is at once; after an edit, only a start is a reason to run. */
function begin(rules: TickRules, { lastTick }: Standing, now: number, reason: LookReason): TickPlan {
  const { slots, runOnStart } = rules;
  const isYoung = lastTick !== null && (slots.after(lastTick) ?? Number.POSITIVE_INFINITY) > now;
  if (isYoung && lastTick <= now) return wait(slots, lastTick);
  const run = runOnStart && (lastTick === null || (reason === 'start' && !isYoung));
  return run ? runOnce(slots, now, null) : wait(slots, now);
}

function wait(slots: Slots, cursor: number): TickPlan {
  return { due: [], catchingUp: false, cursor, next: slots.after(cursor), passedOver: null };
}

/** One run makes up for all that was missed. */
function runOnce(slots: Slots, slot: number, missed: number | null): TickPlan {
  const passedOver = missed !== null && missed < slot ? { from: missed, before: slot } : null;
  return { due: [slot], catchingUp: false, cursor: slot, next: slots.after(slot), passedOver };
}

function passOver(slots: Slots, latest: number, missed: number | null): TickPlan {
  const next = slots.after(latest);
  const passedOver = { from: missed ?? latest, before: next ?? latest + 1 };
  return { due: [], catchingUp: false, cursor: latest, next, passedOver };
}

function catchUp(slots: Slots, cursor: number, now: number, reason: LookReason, room: number): TickPlan {
  const due: number[] = [];
  let next = slots.after(cursor);
  while (next !== null && next <= now && due.length < Math.min(room, CATCH_UP)) {
    due.push(next);
    next = slots.after(next);
  }
  const more = next !== null && next <= now;
  const late = now - (due[0] ?? now) > ON_TIME_MS;
  const catchingUp = reason !== 'time' || due.length > 1 || more || late;
  return { due, catchingUp, cursor: due.at(-1) ?? cursor, next, passedOver: null };
}
