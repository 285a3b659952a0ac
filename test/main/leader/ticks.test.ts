import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { cronSlots } from '../../../src/main/leader/cron.ts';
import { everySlots } from '../../../src/main/leader/slots.ts';
import {
  CATCH_UP,
  type LookReason,
  planTicks,
  type Standing,
  type TickRules,
} from '../../../src/main/leader/ticks.ts';

const SECOND = 1000;
const T0 = Date.parse('2026-05-05T12:00:11.000Z');
const EVERY_30 = everySlots(30 * SECOND);
const NIGHTLY = cronSlots('0 3 * * *', 'UTC');

function rules(given: Partial<TickRules> = {}): TickRules {
  return { slots: EVERY_30, missed: 'once', runOnStart: true, ...given };
}

function standing(given: Partial<Standing> = {}): Standing {
  return { cursor: T0, lastTick: null, resumed: false, room: 1000, ...given };
}

const NEW = standing({ cursor: null });

describe('an interval', () => {
  test('runs for the first time at once, and its grid begins there', () => {
    for (const reason of ['start', 'takeover', 'time'] as const) {
      const plan = planTicks(rules(), NEW, T0, reason);
      assert.deepEqual([plan.due, plan.cursor, plan.next], [[T0], T0, T0 + 30 * SECOND]);
    }
  });

  test('waits an interval for its first run when it is not to run on start', () => {
    const plan = planTicks(rules({ runOnStart: false }), NEW, T0, 'start');
    assert.deepEqual([plan.due, plan.next], [[], T0 + 30 * SECOND]);
  });

  test('keeps its grid when the runner starts within an interval of the last tick', () => {
    const plan = planTicks(rules(), standing(), T0 + 29_999, 'start');
    assert.deepEqual([plan.due, plan.next], [[], T0 + 30 * SECOND]);
  });

  test('runs once, on a new grid, when the runner starts later than that', () => {
    for (const missed of ['once', 'skip'] as const) {
      const now = T0 + 3 * 3600 * SECOND + 5;
      const plan = planTicks(rules({ missed }), standing(), now, 'start');
      assert.deepEqual([plan.due, plan.next], [[now], now + 30 * SECOND]);
      assert.deepEqual(plan.passedOver, { from: T0 + 30 * SECOND, before: now });
    }
  });

  test('catches up with every missed slot on its old grid, when all that were missed are to run', () => {
    const plan = planTicks(rules({ missed: 'all' }), standing(), T0 + 95 * SECOND, 'start');
    assert.deepEqual(
      plan.due,
      [30, 60, 90].map((s) => T0 + s * SECOND),
    );
    assert.equal(plan.next, T0 + 120 * SECOND);
    assert.equal(plan.catchingUp, true);
  });

  test('that does not run on start runs for the latest missed slot, or waits for the next', () => {
    const now = T0 + 95 * SECOND;
    const once = planTicks(rules({ runOnStart: false }), standing(), now, 'start');
    assert.deepEqual([once.due, once.next], [[T0 + 90 * SECOND], T0 + 120 * SECOND]);
    const skip = planTicks(rules({ runOnStart: false, missed: 'skip' }), standing(), now, 'start');
    assert.deepEqual([skip.due, skip.next], [[], T0 + 120 * SECOND]);
  });
});

test('at a takeover only what was missed counts, never the start', () => {
  const now = T0 + 95 * SECOND;
  assert.deepEqual(planTicks(rules(), standing(), now, 'takeover').due, [T0 + 90 * SECOND]);
  assert.deepEqual(planTicks(rules({ missed: 'skip' }), standing(), now, 'takeover').due, []);
  assert.equal(planTicks(rules({ missed: 'all' }), standing(), now, 'takeover').due.length, 3);
  assert.deepEqual(planTicks(rules(), standing(), T0 + 10 * SECOND, 'takeover').due, []);
});

describe('time that passes', () => {
  test('makes a slot due at its very millisecond', () => {
    assert.deepEqual(planTicks(rules(), standing(), T0 + 29_999, 'time').due, []);
    assert.deepEqual(planTicks(rules(), standing(), T0 + 30_000, 'time').due, [T0 + 30_000]);
  });

  test('leaves a late look to the rule for missed slots, and the grid where it is', () => {
    const now = T0 + 107 * SECOND;
    const looks = (missed: TickRules['missed']) => planTicks(rules({ missed }), standing(), now, 'time');
    assert.deepEqual(looks('once').due, [T0 + 90 * SECOND]);
    assert.deepEqual(looks('once').passedOver, { from: T0 + 30 * SECOND, before: T0 + 90 * SECOND });
    assert.deepEqual(looks('skip').due, []);
    assert.equal(looks('all').due.length, 3);
    for (const missed of ['once', 'skip', 'all'] as const)
      assert.equal(looks(missed).next, T0 + 120 * SECOND);
  });

  test('does not make a slot missed that is a moment late', () => {
    const plan = planTicks(rules({ missed: 'skip' }), standing(), T0 + 33 * SECOND, 'time');
    assert.deepEqual([plan.due, plan.passedOver], [[T0 + 30 * SECOND], null]);
  });

  test('is no catching up while nothing was missed', () => {
    const plan = planTicks(rules({ missed: 'all' }), standing(), T0 + 30 * SECOND, 'time');
    assert.deepEqual([plan.due.length, plan.catchingUp], [1, false]);
  });
});

test('a long absence is caught up with in portions, and nothing is lost between them', () => {
  const everySecond = rules({ slots: everySlots(SECOND), missed: 'all' });
  const now = T0 + 1000 * SECOND;
  let at = standing();
  const due: number[] = [];
  for (let looks = 0; looks < 5; looks++) {
    const plan = planTicks(everySecond, at, now, looks === 0 ? 'start' : 'time');
    assert.equal(plan.due.length, CATCH_UP);
    assert.equal(plan.catchingUp, true);
    due.push(...plan.due);
    at = standing({ cursor: plan.cursor });
  }
  assert.deepEqual(
    due,
    Array.from({ length: 1000 }, (_, index) => T0 + (index + 1) * SECOND),
  );
});

test('what is caught up with waits where it is while no more ticks may wait', () => {
  const plan = planTicks(rules({ missed: 'all' }), standing({ room: 0 }), T0 + 95 * SECOND, 'time');
  assert.deepEqual([plan.due, plan.cursor, plan.next], [[], T0, T0 + 30 * SECOND]);
});

describe('a cron schedule', () => {
  const night = Date.parse('2026-05-05T03:00:00Z');
  const day = 86_400 * SECOND;
  const nightly = (given: Partial<TickRules> = {}) => rules({ slots: NIGHTLY, runOnStart: false, ...given });

  test('waits for its first slot', () => {
    const plan = planTicks(nightly(), NEW, T0, 'start');
    assert.deepEqual([plan.due, plan.next], [[], night + day]);
  });

  test('makes up for missed nights as it is told', () => {
    const at = standing({ cursor: night });
    const now = night + 3 * day + 3600 * SECOND;
    assert.deepEqual(planTicks(nightly(), at, now, 'start').due, [night + 3 * day]);
    assert.deepEqual(planTicks(nightly({ missed: 'skip' }), at, now, 'start').due, []);
    assert.deepEqual(
      planTicks(nightly({ missed: 'all' }), at, now, 'start').due,
      [1, 2, 3].map((n) => night + n * day),
    );
  });

  test('that runs on start does so unless no slot has passed since the last tick', () => {
    const onStart = nightly({ runOnStart: true });
    assert.deepEqual(planTicks(onStart, standing({ cursor: night }), T0, 'start').due, []);
    assert.deepEqual(planTicks(onStart, standing({ cursor: night - day }), T0, 'start').due, [T0]);
    assert.equal(planTicks(onStart, standing({ cursor: night - day }), T0, 'start').next, night + day);
  });

  test('fires no second time when the clock is set back over a slot', () => {
    for (const back of [1, 60, 3600]) {
      const plan = planTicks(nightly(), standing({ cursor: night }), night - back * SECOND, 'time');
      assert.deepEqual([plan.due, plan.next], [[], night + day]);
    }
  });
});

test('a clock that was years ahead does not stop a schedule for years', () => {
  const year = 365 * 86_400 * SECOND;
  const interval = planTicks(rules(), standing({ cursor: T0 + year }), T0, 'time');
  assert.deepEqual([interval.due, interval.next], [[], T0 + 30 * SECOND]);
  const cron = planTicks(rules({ slots: NIGHTLY }), standing({ cursor: T0 + year }), T0, 'time');
  assert.equal(cron.next, NIGHTLY.after(T0));
});

describe('an edited schedule', () => {
  test('starts anew without a burst, and the old tick counts for its age', () => {
    const edited = standing({ cursor: null, lastTick: T0 - 20 * SECOND });
    for (const reason of ['start', 'takeover', 'time'] as const) {
      const plan = planTicks(rules(), edited, T0, reason);
      assert.deepEqual([plan.due, plan.next], [[], T0 + 10 * SECOND]);
    }
  });

  test('runs at a start when the last tick is older than the new interval, and only then', () => {
    const edited = standing({ cursor: null, lastTick: T0 - 40 * SECOND });
    assert.deepEqual(planTicks(rules({ missed: 'all' }), edited, T0, 'start').due, [T0]);
    for (const reason of ['takeover', 'time'] as const) {
      const plan = planTicks(rules({ missed: 'all' }), edited, T0, reason);
      assert.deepEqual([plan.due, plan.next], [[], T0 + 30 * SECOND]);
    }
  });
});

test('what passed during a pause was not missed', () => {
  for (const missed of ['skip', 'once', 'all'] as const) {
    for (const reason of ['takeover', 'time'] as const) {
      const plan = planTicks(rules({ missed }), standing({ resumed: true }), T0 + 95 * SECOND, reason);
      assert.deepEqual([plan.due, plan.next, plan.passedOver], [[], T0 + 120 * SECOND, null]);
    }
  }
});

describe('looks at random times', () => {
  const INTERVAL = 30 * SECOND;
  const HOUR = 3600 * SECOND;
  const slotsOf = { interval: EVERY_30, cron: cronSlots('*/2 * * * *', 'Australia/Lord_Howe') };
  const gaps = fc.array(fc.integer({ min: 1, max: 3 * INTERVAL }), { minLength: 50, maxLength: 200 });
  const reason = fc.constantFrom<LookReason>('start', 'takeover', 'time', 'time', 'time');

  test('submit strictly later slots, none twice, all on the grid, and the next is in the future', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<'interval' | 'cron'>('interval', 'cron'),
        fc.constantFrom<TickRules['missed']>('skip', 'once', 'all'),
        fc.array(fc.record({ gap: fc.integer({ min: 1, max: 200 * SECOND }), reason }), { maxLength: 60 }),
        (kind, missed, looks) => {
          const given = rules({ slots: slotsOf[kind], missed, runOnStart: false });
          let [now, cursor, latest] = [T0, T0, T0];
          for (const look of looks) {
            now += look.gap;
            const plan = planTicks(given, standing({ cursor }), now, look.reason);
            for (const slot of plan.due) {
              assert.ok(slot > latest && slot <= now);
              assert.equal(given.slots.latest(latest, slot), slot);
              latest = slot;
            }
            assert.ok(plan.next !== null && plan.next > now);
            assert.ok(plan.cursor >= cursor && plan.cursor <= now);
            cursor = plan.cursor;
          }
        },
      ),
    );
  });

  test('for an hour have no drift, and lose no slot that is to be caught up with', () => {
    fc.assert(
      fc.property(gaps, (gapsBetween) => {
        let now = T0;
        let plan = planTicks(rules({ missed: 'all' }), NEW, now, 'start');
        const due = [...plan.due];
        for (let look = 0; now < T0 + HOUR; look++) {
          now += gapsBetween[look % gapsBetween.length] as number;
          plan = planTicks(rules({ missed: 'all' }), standing({ cursor: plan.cursor }), now, 'time');
          due.push(...plan.due);
        }
        assert.deepEqual(
          due,
          Array.from({ length: due.length }, (_, index) => T0 + index * INTERVAL),
        );
        assert.ok(due.length >= 120);
      }),
    );
  });

  test('that come in time run every slot, whatever is to become of missed ones', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<TickRules['missed']>('skip', 'once'),
        fc.array(fc.integer({ min: 0, max: 4000 }), { minLength: 120, maxLength: 120 }),
        (missed, lateness) => {
          let plan = planTicks(rules({ missed }), NEW, T0, 'start');
          for (const [index, late] of lateness.entries()) {
            plan = planTicks(
              rules({ missed }),
              standing({ cursor: plan.cursor }),
              (plan.next as number) + late,
              'time',
            );
            assert.deepEqual([plan.due, plan.passedOver], [[T0 + (index + 1) * INTERVAL], null]);
          }
        },
      ),
    );
  });
});
