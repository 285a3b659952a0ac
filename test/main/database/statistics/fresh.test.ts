import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fresh } from '../../../../src/main/database/statistics/fresh.ts';
import { waitFor } from '../../../support/wait-for.ts';

test('simultaneous callers share one reading', async () => {
  let readings = 0;
  const fresh = new Fresh(async () => {
    await sleep(5);
    return ++readings;
  });
  assert.deepEqual(await Promise.all([fresh.get(), fresh.get(), fresh.get()]), [1, 1, 1]);
  // It took 5 ms, and so is kept for half a second.
  assert.equal(await fresh.get(), 1);
});

test('what is cheap to read is read again soon', async () => {
  let readings = 0;
  const fresh = new Fresh(async () => ++readings);
  await fresh.get();
  await waitFor('another reading', async () => (await fresh.get()) > 1, 2000);
});

test('a reading that fails is no answer for the next caller', async () => {
  let readings = 0;
  const fresh = new Fresh(async () => {
    if (++readings === 1) throw new Error('away');
    return readings;
  });
  await assert.rejects(fresh.get(), /away/);
  assert.equal(await fresh.get(), 2);
});
