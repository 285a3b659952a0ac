import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertOnTime } from '../../support/on-time.ts';
import { periodicType } from '../../support/periodic-type.ts';
import {
  allStopped,
  captured,
  lastTicked,
  lead,
  planned,
  published,
  query,
  type Row,
  schedule,
  slotsOf,
  start,
  unfinishedRun,
} from '../../support/scheduler-bench.ts';
import { waitFor } from '../../support/wait-for.ts';

test('the first tick is submitted at once, and the next is an interval later', async () => {
  await lead([periodicType('beat')], 'start');
  await captured.next('tick_submitted');
  const { rows } = await query('select * from tasks');
  const [tick] = rows as [Row];
  assert.equal(rows.length, 1);
  assert.deepEqual(
    [tick.type, tick.status, tick.params, tick.max_retries, tick.submitted_by],
    ['beat', 'queued', {}, 0, 'scheduler'],
  );
  assert.deepEqual(tick.run_at, tick.slot);
  const { last_slot, next_run_at } = await schedule('beat');
  assert.deepEqual(last_slot, tick.slot);
  assert.equal(+next_run_at - +last_slot, 30_000);
});

test('a restart within the interval keeps the grid', async () => {
  await published([periodicType('beat', { everySeconds: 2 })]);
  const lastSlot = await lastTicked('beat', 1.2);
  const { next_run_at: next } = await planned('beat', () => start([periodicType('beat')], 'start'));
  assert.equal(+next - +lastSlot, 2000);
  const tick = await captured.next('tick_submitted');
  assert.equal(tick.slot, next.toISOString());
});

test('ticks are submitted on a grid, within 100 ms of their slots', async () => {
  const everySecond = { everySeconds: 1, overlap: 'queue' } as const;
  await lead([periodicType('beat', everySecond), periodicType('twin', everySecond)], 'start');
  await waitFor('four ticks of each', () => captured.of('tick_submitted').length >= 8);
  for (const name of ['beat', 'twin']) {
    const { rows } = await query('select slot, created_at from tasks where type = $1 order by slot', [name]);
    for (const [index, row] of rows.entries()) {
      assert.equal(+row.slot, +rows[0]?.slot + index * 1000);
    }
    assertOnTime(rows.map(({ slot, created_at }) => created_at - slot));
  }
});

test('several leaders submit one tick a slot', async () => {
  const types = [periodicType('beat', { everySeconds: 1, overlap: 'queue' })];
  await published(types);
  for (let leader = 0; leader < 4; leader++) start(types, 'start');
  await waitFor('three slots', async () => (await slotsOf('beat')).length >= 3);
  await allStopped();
  const slots = await slotsOf('beat');
  assert.deepEqual(
    slots.map((slot) => slot - (slots[0] as number)),
    slots.map((_, index) => index * 1000),
  );
  const told = captured.of('tick_submitted').map(({ slot }) => Date.parse(slot));
  assert.deepEqual(
    told.sort((a, b) => a - b),
    slots,
  );
});

describe('what was missed while no runner was up', () => {
  const cases = { skip: 0, once: 1, all: 4 };
  for (const [missed, count] of Object.entries(cases)) {
    test(`is ${count} ticks after four slots, when missed is ${missed}`, async () => {
      const types = [periodicType('beat', { missed: missed as 'skip' | 'once' | 'all' })];
      await published(types);
      const lastSlot = await lastTicked('beat', 130);
      const { next_run_at } = await planned('beat', () => start(types, 'takeover'));
      assert.equal(+next_run_at - +lastSlot, 150_000);
      const all = [30, 60, 90, 120].map((seconds) => +lastSlot + seconds * 1000);
      assert.deepEqual(await slotsOf('beat'), all.slice(all.length - count));
      await allStopped();
      assert.equal(captured.of('tick_skipped').length, missed === 'all' ? 0 : 1);
    });
  }
});

describe('a slot that is due while the last run goes on', () => {
  for (const status of ['queued', 'running']) {
    test(`is skipped, and the schedule goes on (${status})`, async () => {
      const types = [periodicType('beat')];
      await published(types);
      await unfinishedRun('beat', status);
      const lastSlot = await lastTicked('beat', 40);
      const { next_run_at } = await planned('beat', () => start(types, 'takeover'));
      const skipped = await captured.next('tick_skipped');
      assert.equal(skipped.reason, 'its last run has not ended');
      assert.equal(Date.parse(skipped.slot) - +lastSlot, 30_000);
      assert.equal(+next_run_at - +lastSlot, 60_000);
      assert.deepEqual(await slotsOf('beat'), []);
    });
  }

  test('is queued when the schedule wants it so', async () => {
    const types = [periodicType('beat', { overlap: 'queue' })];
    await published(types);
    await unfinishedRun('beat', 'running');
    await lastTicked('beat', 40);
    start(types, 'takeover');
    await captured.next('tick_submitted');
    assert.equal((await slotsOf('beat')).length, 1);
  });

  test('is queued when it was missed and all that were missed are to run', async () => {
    const types = [periodicType('beat', { missed: 'all' })];
    await published(types);
    await unfinishedRun('beat', 'running');
    await lastTicked('beat', 100);
    start(types, 'takeover');
    await waitFor('three ticks', async () => (await slotsOf('beat')).length === 3);
  });
});

test('ticks do not pile up without end', async () => {
  const types = [
    periodicType('piling', { everySeconds: 1, overlap: 'queue' }),
    periodicType('behind', { everySeconds: 1, missed: 'all' }),
  ];
  await published(types);
  for (const name of ['piling', 'behind']) {
    await query("insert into tasks (type, status) select $1, 'queued' from generate_series(1, 998)", [name]);
  }
  await lastTicked('piling', 100);
  const lastSlot = await lastTicked('behind', 100);
  start(types, 'takeover');
  await waitFor('the queue to be full', async () => (await slotsOf('behind')).length === 2);
  await query("delete from tasks where type = 'behind' and slot is null");
  await waitFor('the rest', async () => (await slotsOf('behind')).length >= 100);
  const slots = await slotsOf('behind');
  assert.deepEqual(
    slots,
    slots.map((_, index) => +lastSlot + (index + 1) * 1000),
  );
  const skipped = await captured.next('tick_skipped', ({ reason }) => reason.includes('wait already'));
  assert.equal(skipped.task_type, 'piling');
});
