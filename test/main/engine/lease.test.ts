import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Lease } from '../../../src/main/engine/lease.ts';
import { LeaseClock } from '../../../src/workers/protocol.ts';
import { waitFor } from '../../support/wait-for.ts';

const LEASE_MS = 800;
const OVER_MS = LEASE_MS * 0.75;
/** What it may be later than a plain timer, which is as late as the machine makes it. */
const LATE_MS = 150;

describe('a lease', () => {
  it('is over at three quarters after the last acknowledged heartbeat was sent, and expires before its end', async (t) => {
    const { lease, clock, told } = start(t);
    const sentAt = performance.now();
    const plain = [OVER_MS, LEASE_MS * 0.95].map((ms) => sleep(ms).then(() => performance.now() - sentAt));
    await sleep(100); // The answer takes a while.
    lease.renewed(sentAt);
    assert.deepEqual([lease.over, clock.over], [false, false]);
    await waitFor('its end', () => told.expiredAt > 0);
    const [over, expired] = [told.overAt - sentAt, told.expiredAt - sentAt];
    const [plainOver = 0, plainExpired = 0] = await Promise.all(plain);
    assert.ok(over > OVER_MS - 2 && over < plainOver + LATE_MS, `over after ${over} ms`);
    assert.ok(
      expired > LEASE_MS * 0.95 - 4 && expired < plainExpired + LATE_MS,
      `expired after ${expired} ms`,
    );
    assert.deepEqual(told.reasons, ['no heartbeat was acknowledged within 0.6 s']);
    assert.ok(clock.over);
  });

  it('goes on for as long as heartbeats are acknowledged', async (t) => {
    const { lease, clock, told } = start(t);
    for (let beat = 0; beat < 15; beat++) {
      lease.renewed(performance.now());
      await sleep(LEASE_MS / 8);
      assert.deepEqual([lease.over, clock.over, told.reasons], [false, false, []]);
    }
  });

  it('is over at once when a heartbeat is acknowledged that was sent too long ago', async (t) => {
    const { lease, clock, told } = start(t);
    lease.renewed(performance.now() - OVER_MS);
    assert.ok(clock.over, 'threads see it before any timer has fired');
    await waitFor('it to be told', () => told.reasons.length === 1);
  });

  it('once over stays over, and tells it once', async (t) => {
    const { lease, clock, told } = start(t);
    lease.renewed(performance.now());
    lease.end('somebody said so');
    lease.renewed(performance.now());
    lease.end('somebody else said so');
    assert.deepEqual([lease.over, clock.over], [true, true]);
    await waitFor('its expiry', () => told.expiredAt > 0);
    assert.deepEqual(told.reasons, ['somebody said so']);
    assert.deepEqual([lease.over, clock.over], [true, true]);
  });

  it('tells nothing any more once it is released', async (t) => {
    const { lease, told } = start(t);
    lease.renewed(performance.now());
    lease.release();
    await sleep(LEASE_MS);
    assert.deepEqual([told.reasons, told.expiredAt], [[], 0]);
  });

  it('is over in a thread of its own at the same moment, while the main thread is busy', async (t) => {
    const { lease, clock } = start(t);
    const worker = new Worker(TELL_WHEN_OVER, {
      eval: true,
      workerData: { buffer: clock.buffer, module: PROTOCOL },
    });
    t.after(() => worker.terminate());
    await new Promise((resolve) => worker.once('message', resolve));
    const over = new Promise<Over>((resolve) => worker.once('message', resolve));
    const sentAt = process.hrtime.bigint();
    lease.renewed(performance.now());
    worker.postMessage('renewed');
    while (Number(process.hrtime.bigint() - sentAt) < LEASE_MS * 1e6); // No timer of this thread fires.
    const { at, plainAt } = await over;
    const [afterMs, plainMs] = [Number(at - sentAt) / 1e6, Number(plainAt - sentAt) / 1e6];
    assert.ok(afterMs > OVER_MS - 2 && afterMs < plainMs + LATE_MS, `over after ${afterMs} ms`);
  });
});

function start(t: TestContext) {
  const clock = new LeaseClock();
  const told = { reasons: [] as string[], overAt: 0, expiredAt: 0 };
  const lease = new Lease(LEASE_MS, clock, {
    over(reason) {
      told.reasons.push(reason);
      told.overAt = performance.now();
    },
    expired() {
      told.expiredAt = performance.now();
    },
  });
  t.after(() => lease.release());
  return { lease, clock, told };
}

const PROTOCOL = new URL('../../../src/workers/protocol.js', import.meta.url).href;

/** As the thread saw it, and when a plain timer fired there that was set for the same time. */
interface Over {
  at: bigint;
  plainAt: bigint;
}

const TELL_WHEN_OVER = `
const { parentPort, workerData } = require('node:worker_threads');
import(workerData.module).then(({ LeaseClock }) => {
  const clock = new LeaseClock(workerData.buffer);
  parentPort.postMessage('ready');
  parentPort.once('message', () => {
    const plain = new Promise((resolve) => {
      setTimeout(() => resolve(process.hrtime.bigint()), ${OVER_MS});
    });
    const look = setInterval(async () => {
      if (!clock.over) return;
      clearInterval(look);
      parentPort.postMessage({ at: process.hrtime.bigint(), plainAt: await plain });
    }, 1);
  });
});`;
