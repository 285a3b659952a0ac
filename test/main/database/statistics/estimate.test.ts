import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { expectationsOf } from '../../../../src/main/database/statistics/expectations.ts';
import { type CountedType, completeQueue } from '../../../../src/main/database/statistics/queue.ts';
import { estimateTasks } from '../../../../src/main/database/statistics/tasks.ts';

const counted = (type: string, counts: Partial<CountedType>): CountedType => ({
  type,
  ready: 0,
  scheduled: 0,
  oldest_ready_age_seconds: null,
  is_known: true,
  ready_is_cut: false,
  scheduled_is_cut: false,
  ...counts,
});

const EXPECTED = expectationsOf(1_000_000, [
  { column: 'ready', value: 'mail', share: 0.25 },
  { column: 'scheduled', value: 'mail', share: 0.01 },
  { column: 'type', value: 'mail', share: 0.6 },
  { column: 'status', value: 'failed', share: 0.02 },
  { column: 'status', value: 'queued', share: 0.52 },
]);

describe('of a queue', () => {
  it('what was counted is told as it is', () => {
    const { types, is_estimate } = completeQueue([counted('mail', { ready: 3, scheduled: 4 })], null);
    assert.deepEqual([types[0]?.ready, types[0]?.scheduled, is_estimate], [3, 4, false]);
  });

  it('the rest of what is expected is shared out as a sample suggests, and never less than was counted', () => {
    const { types, is_estimate } = completeQueue(
      [
        counted('mail', { ready: 5000, scheduled: 20_000, ready_is_cut: true, scheduled_is_cut: true }),
        counted('rare', { ready: 5000, ready_is_cut: true }),
        counted('few', { ready: 7 }),
      ],
      EXPECTED,
    );
    assert.deepEqual(
      types.map(({ type, ready, scheduled }) => [type, ready, scheduled]),
      [
        ['mail', 499_993, 20_000],
        ['rare', 5000, 0],
        ['few', 7, 0],
      ],
    );
    assert.equal(is_estimate, true);
  });
});

describe('of all tasks', () => {
  const queue = completeQueue([counted('mail', { ready: 10 }), counted('new', { scheduled: 2 })], null);
  const estimate = estimateTasks(
    {
      byStatus: [
        { status: 'running', type: 'mail', count: 2, is_cut: false },
        { status: 'created', type: 'rare', count: 1, is_cut: false },
        { status: 'failed', type: null, count: 2000, is_cut: true },
        { status: 'cancelled', type: null, count: 30, is_cut: false },
      ],
      finished: [
        { type: 'mail', count: 10_000, is_cut: true },
        { type: 'rare', count: 20, is_cut: false },
      ],
    },
    queue,
    EXPECTED,
  );

  it('the few are counted, and what is in no other status is completed', () => {
    assert.deepEqual(estimate.by_status, {
      created: 1,
      queued: 12,
      running: 2,
      completed: 1_000_000 - 1 - 12 - 2 - 20_000 - 30,
      failed: 20_000,
      cancelled: 30,
    });
  });

  it('rare types are counted, in every status', () => {
    assert.deepEqual(estimate.by_type, { mail: 600_000, new: 2, rare: 21 });
    assert.equal(estimate.is_estimate, true);
  });
});
