import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { readLastHour } from '../../src/main/database/statistics/last-hour.ts';
import { Minutes } from '../../src/main/engine/minutes.ts';
import type { HeddleEvent } from '../../src/main/observe/events.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { FaultBench } from '../support/fault-bench.ts';
import { lintMetrics, type Sample, sampleOf } from '../support/lint-metrics.ts';
import { waitFor } from '../support/wait-for.ts';

describe('of what an engine does', () => {
  let heddle: TestEngine;
  before(async () => {
    heddle = await startTestEngine({ threads: 2 });
  });
  after(() => heddle.stop());

  it('statistics know every end of an attempt, also of a task that completes itself', async () => {
    const ids = [
      await heddle.submit('complete-itself', { marker: 'a', afterwards: 'commit' }),
      await heddle.submit('fail-after', { ms: 0 }, { max_retries: 2 }),
      await heddle.submit('wait', { ms: 150 }),
    ];
    for (const id of ids) await heddle.finished(id);
    const ended = await waitFor('all ends to be told', () => {
      const told = heddle.events.of('attempt_ended');
      return told.length === 5 ? told : null;
    });
    const minutes = new Minutes(heddle.runnerId, heddle.pool, () => {});
    for (const event of ended) minutes.note(event);
    await minutes.stop();
    const { completed, failed, retried, run_ms } = await readLastHour(heddle.pool);
    assert.deepEqual({ completed, failed, retried }, { completed: 2, failed: 1, retried: 2 });
    assert.ok((run_ms.p99 as number) > 140);
  });

  const types = { wait: 'without limits', 'one-per-key': 'with limits' };
  for (const [type, which] of Object.entries(types)) {
    it(`the wait is from when it was due until it began, of a type ${which}`, async () => {
      // What is stored is later by the time that its settle was under way: on a busy machine, by more than a little.
      await waitFor('what is told to be what is stored', async () => {
        const id = await heddle.submit(type, { ms: 0 }, { delay_seconds: 0.3, max_retries: 0 });
        const { run_at, started_at } = await heddle.finished(id);
        const { waited_ms } = await heddle.events.next('attempt_ended', ({ task_id }) => task_id === id);
        return Math.abs((waited_ms as number) - (Number(started_at) - Number(run_at))) < 20;
      });
    });
  }

  it('a kill has a cause, and a thread that comes up for another one says so', async () => {
    const id = await heddle.submit('spin', {}, { max_retries: 0, timeout_seconds: 0.3 });
    await heddle.finished(id);
    const killed: HeddleEvent = await heddle.events.next('thread_killed');
    assert.equal(killed.cause, 'timeout');
    await heddle.events.next('thread_started', ({ replaces }) => replaces);
  });
});

describe('of real processes', () => {
  let bench: FaultBench;
  before(async () => {
    bench = await FaultBench.open();
  });
  after(() => bench.close());

  it('a runner has metrics of its own, heddle start tells all at one address, and the last hour is in /stats', async () => {
    const heddle = bench.heddle('start', { LEASE_SECONDS: '30' });
    const api = await heddle.ready();
    const listening = await waitFor('the runner to listen', () => heddle.events('runner_listening')[0]);
    const runner = String(listening.url);
    const id = await bench.submit('no-op');
    await waitFor('its end', async () => (await bench.task(id)).status === 'completed');
    // It is counted when the settle is acknowledged, and others see its end before that.
    const samples = await waitFor('it to be counted', async () => {
      const now = await scrape(runner);
      const count = sampleOf(now, 'heddle_settled_total', { type: 'no-op', outcome: 'succeeded' });
      return count === 1 ? now : null;
    });
    assert.equal(sampleOf(samples, 'heddle_claimed_total', { type: 'no-op' }), 1);
    assert.equal(typeof sampleOf(samples, 'heddle_threads', { state: 'idle' }), 'number');
    assert.equal(sampleOf(samples, 'heddle_tasks'), undefined);
    const all = await scrape(api);
    assert.equal(sampleOf(all, 'heddle_settled_total', { type: 'no-op', outcome: 'succeeded' }), 1);
    assert.equal(sampleOf(all, 'heddle_run_duration_seconds_count', { type: 'no-op' }), 1);
    assert.ok((sampleOf(all, 'heddle_tasks', { status: 'completed' }) as number) >= 0);
    await waitFor('the last hour', async () => {
      const { last_hour } = (await (await fetch(`${api}/api/v1/stats`)).json()) as {
        last_hour: { completed: number; run_ms: { p50: number | null } };
      };
      return last_hour.completed >= 1 && last_hour.run_ms.p50 !== null;
    });
    const pid = await heddle.runnerPid(api);
    process.kill(pid, 'SIGSTOP');
    assert.equal(sampleOf(await scrape(api), 'heddle_settled_total'), undefined, 'nobody waits for a runner');
    process.kill(pid, 'SIGCONT');
    assert.equal(await heddle.stop(), 0);
  });

  it('a runner beside an API goes on where its port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    try {
      const heddle = bench.heddle('start', { RUNNER_PORT: String(port) });
      await heddle.ready();
      const told = await waitFor('a word', () => heddle.events('runner_port_unavailable')[0]);
      assert.match(String(told.reason), /something else listens/);
      assert.equal(await heddle.stop(), 0);
    } finally {
      server.close();
    }
  });

  async function scrape(url: string): Promise<Sample[]> {
    return lintMetrics(await (await fetch(`${url}/metrics`)).text());
  }
});
