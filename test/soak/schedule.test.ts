import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULT_KINDS, type Fault, type ScheduleOptions, scheduleFaults } from './schedule.ts';

const OPTIONS: ScheduleOptions = { seed: 7, forMs: 120_000, runners: 3, leaseSeconds: 2, kinds: FAULT_KINDS };

test('one seed gives one schedule, another seed another one', () => {
  assert.deepEqual(scheduleFaults(OPTIONS), scheduleFaults(OPTIONS));
  assert.notDeepEqual(scheduleFaults(OPTIONS), scheduleFaults({ ...OPTIONS, seed: 8 }));
});

test('every kind comes before one comes again, all of them in time', () => {
  const faults = scheduleFaults(OPTIONS);
  const first = faults.slice(0, FAULT_KINDS.length).map(({ kind }) => kind);
  assert.equal(new Set(first).size, FAULT_KINDS.length);
  assert.ok(faults.every(({ atMs }) => atMs <= OPTIONS.forMs));
  assert.ok(faults.length > 2 * FAULT_KINDS.length);
});

test('only the kinds that were asked for come', () => {
  const faults = scheduleFaults({ ...OPTIONS, kinds: ['cut', 'crash'] });
  assert.deepEqual(new Set(faults.map(({ kind }) => kind)), new Set(['cut', 'crash']));
  assert.deepEqual(scheduleFaults({ ...OPTIONS, kinds: [] }), []);
});

test('what is down is not hit again before it is back', () => {
  for (let seed = 0; seed < 50; seed++) {
    const faults = scheduleFaults({ ...OPTIONS, seed });
    for (const target of [null, 0, 1, 2]) assertApart(faults.filter(({ runner }) => runner === target));
  }
});

test('a long pause is longer than the lease, a pause is shorter', () => {
  for (const { kind, forMs } of scheduleFaults({ ...OPTIONS, forMs: 600_000 })) {
    if (kind === 'long pause' || kind === 'long freeze') assert.ok(forMs > 2000, `${forMs}`);
    if (kind === 'pause' || kind === 'freeze') assert.ok(forMs < 0.75 * 2000, `${forMs}`);
  }
});

function assertApart(faults: readonly Fault[]): void {
  for (const [index, fault] of faults.slice(1).entries()) {
    const before = faults[index] as Fault;
    assert.ok(fault.atMs > before.atMs + before.forMs, `${before.kind} and ${fault.kind}`);
  }
}
