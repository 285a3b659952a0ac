import { Cron, CronPattern } from 'croner';
import type { Slots } from './slots.ts';
import { type ClockChange, type Zone, zoneOf } from './zone.ts';

/**
 * The slots of a cron expression in a time zone. croner says which wall clock times are meant; when those are, is
 * decided here: croner 11 drops a skipped time that is one of a list (`0,30 2 * * *`) or would be another day's after
 * the jump (Saturday 23:30 in Nuuk), and runs a doubled one twice when the hours have a step.
 *
 * Each wall clock time runs once. One that the clock skips runs as much later as the clock jumps. One that the clock
 * shows twice runs the first time; only where every hour is meant (`*`) also the second, for that is an hour more.
 *
 * @param expression five or six fields
 * @param timezone an IANA name
 * @throws Error when either is not valid
 */
export function cronSlots(expression: string, timezone: string): Slots {
  const walls = new Cron(expression, { utcOffset: 0 });
  const everyHour = new CronPattern(expression).hour.every(Boolean);
  const zone = zoneOf(timezone);

  function after(instant: number): number | null {
    const change = zone.changeNear(instant);
    const offsets = change === null ? [zone.offsetAt(instant)] : [change.before, change.after];
    const slots = offsets.flatMap((offset) => slotsFrom(instant + offset)).filter((slot) => slot > instant);
    return slots.length === 0 ? null : Math.min(...slots);
  }

  /** When the next wall clock time is. One that is skipped or doubled may come after those beyond the change. */
  function slotsFrom(wall: number): number[] {
    const next = nextWall(wall);
    if (next === null) return [];
    const change = changeOf(zone, next);
    const beyond = change === null ? null : nextWall(change.at + Math.max(change.before, change.after) - 1);
    return beyond === null ? instantsOf(next) : [...instantsOf(next), ...instantsOf(beyond)];
  }

  function nextWall(wall: number): number | null {
    return walls.nextRun(new Date(wall))?.getTime() ?? null;
  }

  function instantsOf(wall: number): number[] {
    const change = changeOf(zone, wall);
    if (change === null) return [regularInstantOf(zone, wall)];
    const early = wall - change.before;
    const doubled = change.before > change.after;
    return doubled && everyHour ? [early, wall - change.after] : [early];
  }

  return { after, latest: (cursor, now) => latest(after, cursor, now), mostAheadMs: DAY_MS };
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The change that skips or doubles a wall clock time, if one does. */
function changeOf(zone: Zone, wall: number): ClockChange | null {
  const change = zone.changeNear(wall - zone.offsetAt(wall));
  if (change === null) return null;
  const isBefore = wall - change.before < change.at;
  const isAfter = wall - change.after >= change.at;
  return isBefore === isAfter ? change : null;
}

function regularInstantOf(zone: Zone, wall: number): number {
  const near = wall - zone.offsetAt(wall);
  const change = zone.changeNear(near);
  if (change === null) return near;
  return wall - (wall - change.before < change.at ? change.before : change.after);
}

/** Looks back further and further: cron expressions can only be walked forwards, and the cursor may be years old. */
function latest(after: Slots['after'], cursor: number, now: number): number | null {
  for (let span = MINUTE_MS; ; span *= 8) {
    const from = Math.max(cursor, now - span);
    let found: number | null = null;
    for (let slot = after(from); slot !== null && slot <= now; slot = after(slot)) found = slot;
    if (found !== null || from === cursor) return found;
  }
}
