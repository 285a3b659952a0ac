import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { BUNDLE_LIMIT, Control, monotonicMs } from '../../../src/workers/shared/control.ts';
import { waitFor } from '../../support/wait-for.ts';

describe('the control block of a bundle', () => {
  it('shows which attempt runs, and its age', async () => {
    const control = new Control();
    control.reset();
    assert.equal(control.running(), null);
    assert.equal(control.start(2, 0), true);
    const first = control.running();
    assert.equal(first?.index, 2);
    await waitFor('it to grow older', () => (control.running()?.ageMs ?? 0) > (first?.ageMs ?? 0) + 20);
    control.end();
    assert.equal(control.running(), null);
  });

  it('counts the age anew when the task file is loaded', async () => {
    const control = new Control();
    control.reset();
    control.start(0, 0);
    control.loading();
    await waitFor('it to grow older', () => (control.running()?.ageMs ?? 0) > 200);
    assert.equal(control.running()?.loading, true);
    control.loaded();
    const running = control.running();
    assert.deepEqual([running?.index, running?.loading], [0, false]);
    assert.ok((running?.ageMs ?? 1000) < 200);
  });

  it('tells each success once, with its result, when it ended and how long it ran', () => {
    const control = new Control();
    control.reset();
    const thread = new Control(control.buffer);
    const results = ['{"text":"fine"}', null, '"€ 🧵"', '[]'];
    const before = monotonicMs();
    for (const [index, result] of results.entries()) {
      thread.start(index, 0);
      thread.end();
      if (index !== 3) assert.equal(thread.succeed(index, index + 0.5, result), true);
    }
    const told = control.takeSuccesses(results.length);
    assert.deepEqual(
      told.map(({ index, ranMs, result }) => [index, ranMs, result]),
      results.slice(0, 3).map((result, index) => [index, index + 0.5, result]),
    );
    for (const { endedAtMs } of told) assert.ok(endedAtMs >= before && endedAtMs <= monotonicMs());
    assert.equal(thread.succeed(3, 1, results[3] as string), true);
    assert.deepEqual(
      control.takeSuccesses(results.length).map(({ index, result }) => [index, result]),
      [[3, '[]']],
      'what was told before is not told again',
    );
    assert.deepEqual(control.takeSuccesses(results.length), []);
    control.reset();
    assert.deepEqual(control.takeSuccesses(results.length), [], 'nothing of the bundle before');
  });

  it('tells nothing of a success whose result has no room, and goes on with smaller ones', () => {
    const control = new Control();
    control.reset();
    for (const index of [0, 1, 2]) control.start(index, 0);
    assert.equal(control.succeed(0, 1, JSON.stringify('a'.repeat(5000))), true);
    assert.equal(control.succeed(1, 1, JSON.stringify('b'.repeat(5000))), false);
    assert.equal(control.succeed(2, 1, '{"small":true}'), true);
    assert.deepEqual(
      control.takeSuccesses(3).map(({ index, result }) => [index, result?.length]),
      [
        [0, 5002],
        [2, 14],
      ],
    );
  });

  it('lets an attempt be started or withdrawn, never both, and neither twice', () => {
    const control = new Control();
    control.reset();
    assert.equal(control.withdraw(0), true);
    assert.equal(control.start(0, 0), false);
    assert.equal(control.withdraw(0), false);
    assert.equal(control.start(1, 0), true);
    assert.equal(control.withdraw(1), false);
    assert.equal(control.start(1, 0), false);
    control.reset();
    assert.equal(control.start(0, 0), true);
  });

  it('gives each attempt to one side when both reach for it at the same moment', async () => {
    const control = new Control();
    for (let round = 0; round < 20; round++) {
      control.reset();
      const gate = new Int32Array(new SharedArrayBuffer(4));
      const worker = new Worker(START_ALL, {
        eval: true,
        workerData: { buffer: control.buffer, gate, module: MODULE, count: BUNDLE_LIMIT },
      });
      const started = new Promise<boolean[]>((resolve) => worker.once('message', resolve));
      await waitFor('the thread', () => Atomics.load(gate, 0) === 1);
      Atomics.store(gate, 0, 2);
      const withdrawn: boolean[] = [];
      for (let index = BUNDLE_LIMIT - 1; index >= 0; index--) withdrawn[index] = control.withdraw(index);
      for (const [index, was] of (await started).entries()) assert.notEqual(was, withdrawn[index]);
      await worker.terminate();
    }
  });
});

const MODULE = new URL('../../../src/workers/shared/control.js', import.meta.url).href;

const START_ALL = `
const { parentPort, workerData: { buffer, gate, module, count } } = require('node:worker_threads');
import(module).then(({ Control }) => {
  const control = new Control(buffer);
  Atomics.store(gate, 0, 1);
  while (Atomics.load(gate, 0) !== 2);
  const started = [];
  for (let index = 0; index < count; index++) started.push(control.start(index, 0));
  parentPort.postMessage(started);
});`;
