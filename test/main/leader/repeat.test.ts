import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Repeat } from '../../../src/main/leader/repeat.ts';
import { captureEvents } from '../../support/capture-events.ts';
import { waitFor } from '../../support/wait-for.ts';

test('what fails is told, and is done again all the same', async (t) => {
  const captured = captureEvents();
  let times = 0;
  const repeat = new Repeat(
    'counting',
    10,
    () => Promise.reject(new Error(`no ${++times}`)),
    captured.observe,
  );
  repeat.start(0);
  t.after(() => repeat.stop());
  await waitFor('three times', () => times >= 3);
  const fault = await captured.next('database_error');
  assert.deepEqual([fault.during, fault.message], ['counting', 'no 1']);
});

test('it is done one time after the other, and stopping waits for the last', async () => {
  let under = 0;
  let most = 0;
  let times = 0;
  const work = async () => {
    most = Math.max(most, ++under);
    await sleep(20);
    under--;
    times++;
  };
  const repeat = new Repeat('sleeping', 1, work, () => {});
  repeat.start(0);
  await waitFor('two times', () => times >= 2);
  await waitFor('a third', () => under > 0);
  await repeat.stop();
  const done = times;
  assert.deepEqual([most, under], [1, 0]);
  await sleep(30);
  assert.equal(times, done);
});
