import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cronSlots } from '../../../src/main/leader/cron.ts';

function slotsAfter(cron: string, timezone: string, from: string, count: number): string[] {
  const slots = cronSlots(cron, timezone);
  const found: string[] = [];
  let at: number | null = Date.parse(from);
  while (found.length < count) {
    at = slots.after(at);
    if (at === null) break;
    found.push(new Date(at).toISOString().replace('.000Z', 'Z'));
  }
  return found;
}

test('five fields mean minutes, six begin with seconds', () => {
  assert.deepEqual(slotsAfter('*/20 * * * *', 'UTC', '2026-01-01T00:05:00Z', 2), [
    '2026-01-01T00:20:00Z',
    '2026-01-01T00:40:00Z',
  ]);
  assert.deepEqual(slotsAfter('*/20 * * * * *', 'UTC', '2026-01-01T00:00:05Z', 2), [
    '2026-01-01T00:00:20Z',
    '2026-01-01T00:00:40Z',
  ]);
});

test('a slot is after the instant, to the millisecond', () => {
  const slots = cronSlots('30 2 * * *', 'UTC');
  const slot = Date.parse('2026-01-01T02:30:00Z');
  assert.equal(slots.after(slot - 1), slot);
  assert.equal(slots.after(slot), slot + 86_400_000);
});

test('of day of month and day of week, either will do', () => {
  assert.deepEqual(slotsAfter('0 0 13 * FRI', 'UTC', '2026-01-01T00:00:00Z', 4), [
    '2026-01-02T00:00:00Z',
    '2026-01-09T00:00:00Z',
    '2026-01-13T00:00:00Z',
    '2026-01-16T00:00:00Z',
  ]);
});

test('a time zone is one of clocks, not of offsets', () => {
  assert.deepEqual(slotsAfter('0 3 * * *', 'Africa/Johannesburg', '2026-01-01T00:00:00Z', 1), [
    '2026-01-01T01:00:00Z',
  ]);
  assert.deepEqual(slotsAfter('0 9 1 1,7 *', 'Europe/Berlin', '2026-01-01T00:00:00Z', 2), [
    '2026-01-01T08:00:00Z',
    '2026-07-01T07:00:00Z',
  ]);
});

test('an expression without further matches has no next slot', () => {
  assert.equal(cronSlots('0 0 30 2 *', 'UTC').after(0), null);
  assert.equal(cronSlots('0 0 30 2 *', 'UTC').latest(0, Date.parse('2026-01-01T00:00:00Z')), null);
});

test('an invalid expression or time zone is an error', () => {
  assert.throws(() => cronSlots('61 * * * *', 'UTC'), /61/);
  assert.throws(() => cronSlots('* * * * *', 'Mars/Olympus'), RangeError);
});

const SKIPPED: [what: string, cron: string, zone: string, from: string, slots: string[]][] = [
  ['a time', '30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', ['2026-03-29T01:30', '2026-03-30T00:30']],
  [
    'a time',
    '30 2 * * *',
    'America/New_York',
    '2026-03-07T12:00:00Z',
    ['2026-03-08T07:30', '2026-03-09T06:30'],
  ],
  [
    'a list of times',
    '0,30 2 * * *',
    'Europe/Berlin',
    '2026-03-28T12:00:00Z',
    ['2026-03-29T01:00', '2026-03-29T01:30', '2026-03-30T00:00'],
  ],
  [
    'a time of a step',
    '0 */2 * * *',
    'Europe/Berlin',
    '2026-03-28T23:00:00Z',
    ['2026-03-29T01:00', '2026-03-29T02:00', '2026-03-29T04:00'],
  ],
  [
    'a time before midnight',
    '30 23 * * 6',
    'America/Nuuk',
    '2026-03-27T00:00:00Z',
    ['2026-03-29T01:30', '2026-04-05T00:30'],
  ],
  [
    'a time after midnight',
    '15 0 * * *',
    'Africa/Cairo',
    '2026-04-22T23:00:00Z',
    ['2026-04-23T22:15', '2026-04-24T21:15'],
  ],
  [
    'half an hour',
    '15 2 * * *',
    'Australia/Lord_Howe',
    '2026-10-03T00:00:00Z',
    ['2026-10-03T15:45', '2026-10-04T15:15'],
  ],
  [
    'half an hour, and not what comes right after it',
    '20,30 2 * * *',
    'Australia/Lord_Howe',
    '2026-10-02T16:00:00Z',
    ['2026-10-03T15:30', '2026-10-03T15:50', '2026-10-04T15:20'],
  ],
  [
    'two hours',
    '0 2 * * *',
    'Antarctica/Troll',
    '2026-03-28T12:00:00Z',
    ['2026-03-29T02:00', '2026-03-30T00:00'],
  ],
];
for (const [what, cron, zone, from, slots] of SKIPPED) {
  test(`daylight saving skips ${what}, which runs after the jump (${cron} in ${zone})`, () => {
    assert.deepEqual(
      slotsAfter(cron, zone, from, slots.length),
      slots.map((slot) => `${slot}:00Z`),
    );
  });
}

const DOUBLED: typeof SKIPPED = [
  ['a time', '30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', ['2026-10-25T00:30', '2026-10-26T01:30']],
  [
    'a time',
    '30 1 * * *',
    'America/New_York',
    '2026-10-31T12:00:00Z',
    ['2026-11-01T05:30', '2026-11-02T06:30'],
  ],
  [
    'a list of times',
    '0,30 2 * * *',
    'Europe/Berlin',
    '2026-10-24T12:00:00Z',
    ['2026-10-25T00:00', '2026-10-25T00:30', '2026-10-26T01:00'],
  ],
  [
    'a time of a step',
    '0 */2 * * *',
    'Europe/Berlin',
    '2026-10-24T21:00:00Z',
    ['2026-10-24T22:00', '2026-10-25T00:00', '2026-10-25T03:00'],
  ],
  [
    'half an hour',
    '45 1 * * *',
    'Australia/Lord_Howe',
    '2026-04-04T00:00:00Z',
    ['2026-04-04T14:45', '2026-04-05T15:15'],
  ],
];
for (const [what, cron, zone, from, slots] of DOUBLED) {
  test(`daylight saving doubles ${what}, which runs once (${cron} in ${zone})`, () => {
    assert.deepEqual(
      slotsAfter(cron, zone, from, slots.length),
      slots.map((slot) => `${slot}:00Z`),
    );
  });
}

test('a schedule of every hour has no longer breaks when an hour is doubled or skipped', () => {
  for (const from of ['2026-10-24T20:00:00Z', '2026-03-28T20:00:00Z']) {
    const slots = slotsAfter('*/15 * * * *', 'Europe/Berlin', from, 40).map((slot) => Date.parse(slot));
    for (const [index, slot] of slots.entries()) {
      assert.equal(slot, Date.parse(from) + (index + 1) * 15 * 60_000);
    }
  }
});

const MINUTE = 60_000;

/** Days around changes of clocks, and one without. */
const DAYS: [zone: string, from: string][] = [
  ['Europe/Berlin', '2026-03-28'],
  ['Europe/Berlin', '2026-10-24'],
  ['Europe/Berlin', '2026-07-01'],
  ['America/New_York', '2026-03-07'],
  ['America/New_York', '2026-10-31'],
  ['America/Nuuk', '2026-03-28'],
  ['America/Nuuk', '2026-10-24'],
  ['Africa/Cairo', '2026-04-23'],
  ['Africa/Cairo', '2026-10-29'],
  ['Africa/Casablanca', '2026-02-14'],
  ['Africa/Casablanca', '2026-03-21'],
  ['Australia/Lord_Howe', '2026-04-03'],
  ['Australia/Lord_Howe', '2026-10-02'],
  ['Antarctica/Troll', '2026-03-28'],
  ['Antarctica/Troll', '2026-10-24'],
];

test('every wall clock time runs exactly once, whatever the zone and the day', () => {
  const list = (max: number) => fc.uniqueArray(fc.integer({ min: 0, max }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fc.constantFrom(...DAYS), list(59), list(23), ([zone, day], minutes, hours) => {
      const from = Date.parse(`${day}T00:00:00Z`);
      const to = from + 2 * 1440 * MINUTE;
      const slots = cronSlots(`${minutes} ${hours} * * *`, zone);
      const found: number[] = [];
      for (let slot = slots.after(from - 1); slot !== null && slot < to; slot = slots.after(slot))
        found.push(slot);
      const wanted = new Set(minutes.flatMap((minute) => hours.map((hour) => hour * 60 + minute)));
      assert.deepEqual(found, byWatchingTheClock(zone, from, to, wanted));
    }),
    { numRuns: 150 },
  );
});

/** Minute for minute: a time runs when it is shown first, a skipped one as much later as the clock jumped. */
function byWatchingTheClock(zone: string, from: number, to: number, wanted: Set<number>): number[] {
  const runs = new Set<number>();
  const shown = new Set<number>();
  const isWanted = (wall: number) => wanted.has((wall / MINUTE) % 1440);
  let due = wallClock(zone, from - 240 * MINUTE);
  for (let at = from - 240 * MINUTE; at < to; at += MINUTE) {
    const wall = wallClock(zone, at);
    for (let skipped = due; skipped < wall; skipped += MINUTE) {
      if (isWanted(skipped)) runs.add(at + skipped - due);
    }
    if (!shown.has(wall) && isWanted(wall)) runs.add(at);
    shown.add(wall);
    due = wall + MINUTE;
  }
  return [...runs].filter((at) => at >= from && at < to).sort((a, b) => a - b);
}

/** What the zone's clocks show, read as if it were UTC. */
function wallClock(zone: string, instant: number): number {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
    formats.set(zone, format);
  }
  return Date.parse(`${format.format(instant).replace(' ', 'T')}Z`);
}
const formats = new Map<string, Intl.DateTimeFormat>();

test('looking from any instant finds the same slots', () => {
  const start = Date.parse('2026-03-27T00:00:00Z');
  for (const zone of ['Europe/Berlin', 'America/Nuuk', 'Antarctica/Troll']) {
    const slots = cronSlots('7,40 0-3,23 * * *', zone);
    const all: number[] = [];
    for (let slot = slots.after(start); slot !== null && all.length < 25; slot = slots.after(slot))
      all.push(slot);
    for (let at = start; at < (all.at(-1) as number); at += 37 * MINUTE) {
      assert.equal(
        slots.after(at),
        all.find((slot) => slot > at),
      );
      assert.equal(slots.latest(start, at), all.findLast((slot) => slot <= at) ?? null);
    }
  }
});
