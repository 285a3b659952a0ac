/** A change of a zone's clock. Offsets are milliseconds that local time is ahead of UTC. */
export interface ClockChange {
  at: number;
  before: number;
  after: number;
}

/** A time zone: what its clocks say. */
export interface Zone {
  offsetAt(instant: number): number;
  /** The change of its clocks within a day of an instant. */
  changeNear(instant: number): ClockChange | null;
}

/** @param name an IANA name @throws RangeError when there is no such zone */
export function zoneOf(name: string): Zone {
  const known = zones.get(name);
  if (known !== undefined) return known;
  const zone = readZone(name);
  zones.set(name, zone);
  return zone;
}

/** A formatter costs far more than what it formats. */
const zones = new Map<string, Zone>();

function readZone(name: string): Zone {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  const offsetAt = (instant: number) => parseOffset(format.format(instant));
  return {
    offsetAt,
    changeNear(instant) {
      const [from, to] = [instant - DAY_MS, instant + DAY_MS];
      return offsetAt(from) === offsetAt(to) ? null : findChange(offsetAt, from, to);
    },
  };
}

const DAY_MS = 86_400_000;

/** Of `1/31/2026, GMT+10:30`; zones had seconds, too, long ago. */
function parseOffset(text: string): number {
  const [, sign, hours = 0, minutes = 0, seconds = 0] =
    /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text) ?? [];
  const size = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
  return sign === '-' ? -size : size;
}

/** Halves the time between two instants of different offsets until the change lies between two milliseconds. */
function findChange(offsetAt: (instant: number) => number, from: number, to: number): ClockChange {
  const before = offsetAt(from);
  let last = from;
  let at = to;
  while (at - last > 1) {
    const middle = Math.floor((last + at) / 2);
    if (offsetAt(middle) === before) last = middle;
    else at = middle;
  }
  return { at, before, after: offsetAt(at) };
}
