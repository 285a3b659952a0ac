import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFinished } from '../../src/main/engine/task.ts';
import { sampleOf } from '../support/lint-metrics.ts';
import { ObservedHeddle } from '../support/observed-heddle.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { waitFor } from '../support/wait-for.ts';

describe('of real processes, metrics move with', () => {
  let heddle: ObservedHeddle;
  before(async () => {
    heddle = await ObservedHeddle.start();
  });
  after(() => heddle?.stop());

  const is = (expected: number) => (value: number) => value === expected;
  const runner = (name: string, labels: Record<string, string>, expected: number) =>
    heddle.reaches('runner', name, labels, is(expected));
  const api = (name: string, labels: Record<string, string>, isReached: (value: number) => boolean) =>
    heddle.reaches('api', name, labels, isReached);

  it('the way of a task', async () => {
    const type = 'wait';
    assert.equal(sampleOf(await heddle.scrape('runner'), 'heddle_claimed_total', { type }), 0);
    const id = await heddle.submit(type, { ms: 700 });
    await runner('heddle_threads', { state: 'busy' }, 1);
    await runner('heddle_threads', { state: 'idle' }, 1);
    await heddle.finished(id);
    await runner('heddle_settled_total', { type, outcome: 'succeeded' }, 1);
    const samples = await heddle.scrape('runner');
    assert.equal(sampleOf(samples, 'heddle_claimed_total', { type }), 1);
    assert.equal(sampleOf(samples, 'heddle_wait_duration_seconds_count', { type }), 1);
    assert.ok((sampleOf(samples, 'heddle_run_duration_seconds_sum', { type }) as number) > 0.69);
    await runner('heddle_threads', { state: 'busy' }, 0);
    await api('heddle_submitted_total', { type }, is(1));
    await api('heddle_tasks', { status: 'completed' }, (value) => value >= 1);
    await api('heddle_http_request_duration_seconds_count', { route: '/api/v1/tasks', status: '201' }, is(1));
    await api('heddle_runners', { status: 'active' }, is(1));
  });

  it('a tick, and how late it was', async () => {
    const count = await runner('heddle_periodic_lateness_seconds_count', { type: 'tick' }, 1);
    const late = sampleOf(await heddle.scrape('runner'), 'heddle_periodic_lateness_seconds_sum', {
      type: 'tick',
    });
    assert.ok((late as number) / count < 5, `${late} s`);
  });

  it('a failure and its retry', async () => {
    const type = 'fail-after';
    await heddle.finished(await heddle.submit(type, { ms: 0 }, { max_retries: 1 }));
    await runner('heddle_settled_total', { type, outcome: 'failed' }, 2);
    await runner('heddle_retries_total', { type }, 1);
  });

  it('what waits, and since when', async () => {
    const type = 'no-op';
    await heddle.submit(type, {}, { delay_seconds: 3600 });
    await api('heddle_queue_scheduled', { type }, is(1));
    // Of a type that no runner has, as after a deployment without it.
    await heddle.bench.submit('of-nobody', {});
    await api('heddle_queue_ready', { type: 'other' }, is(1));
    await api('heddle_queue_type_oldest_ready_age_seconds', { type: 'other' }, (age) => age > 0.3);
    await api('heddle_queue_oldest_ready_age_seconds', {}, (age) => age > 0.3);
  });

  it('a timeout, a cancel, and the threads that are started for those that were killed', async () => {
    const spins = await heddle.submit('spin');
    const waits = await heddle.submit('wait', { ms: 60_000 });
    await heddle.bench.begins(waits);
    await heddle.post(`/tasks/${waits}/cancel`);
    await heddle.finished(spins, waits);
    await runner('heddle_kills_total', { reason: 'timeout' }, 1);
    await runner('heddle_kills_total', { reason: 'cancel' }, 1);
    await runner('heddle_settled_total', { type: 'spin', outcome: 'timed_out' }, 1);
    await heddle.reaches('runner', 'heddle_thread_restarts_total', {}, (restarts) => restarts >= 2);
  });

  it('a thread that does not die, for as long as it does not', async () => {
    const directory = await temporaryDirectory();
    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const id = await stick(fifo);
    await runner('heddle_threads', { state: 'stuck' }, 1);
    await runner('heddle_threads', { state: 'busy' }, 0);
    await (await open(fifo, 'w')).close();
    await heddle.finished(id);
    await runner('heddle_threads', { state: 'stuck' }, 0);
    await runner('heddle_threads', { state: 'idle' }, 2);
    await rm(directory, { recursive: true });
  });

  /** On a busy machine its time may be over before it has begun. @returns the task that sticks */
  async function stick(fifo: string): Promise<string> {
    for (;;) {
      const id = await heddle.submit('stick', { fifo }, { max_retries: 0 });
      const began = await waitFor('it to stick, or to be over', async () => {
        const { rowCount } = await heddle.bench.query('select from task_logs where task_id = $1', [id]);
        return rowCount === 1
          ? 'it sticks'
          : isFinished((await heddle.bench.task(id)).status) && 'it is over';
      });
      if (began === 'it sticks') return id;
    }
  }

  it('an outcome that comes when somebody else has the task', async () => {
    const id = await heddle.submit('wait', { ms: 1000 });
    await heddle.bench.begins(id);
    await heddle.bench.query(
      `update tasks set claim_token = nextval('claim_tokens'), status = 'completed', finished_at = now() where id = $1`,
      [id],
    );
    await runner('heddle_stale_settles_total', {}, 1);
  });

  it('an open transaction, and rows that are to be vacuumed away', async () => {
    const client = await heddle.bench.database.pool().connect();
    await client.query('begin');
    await client.query('select from tasks limit 1');
    await api('heddle_oldest_transaction_age_seconds', {}, (age) => age > 0.5);
    await client.query('update tasks set updated_at = now()');
    await client.query('commit');
    client.release();
    await api('heddle_dead_tuples', {}, (dead) => dead > 0);
  });

  it('a main thread that stands still, its heap and its connections', async () => {
    await sleep(200); // An answer begins the measurement anew, which takes some 50 ms.
    heddle.heddle.child.kill('SIGSTOP');
    await sleep(400);
    heddle.heddle.child.kill('SIGCONT');
    await api('nodejs_eventloop_lag_max_seconds', {}, (seconds) => seconds > 0.25);
    await api('nodejs_heap_size_used_bytes', {}, (bytes) => bytes > 1e6);
    for (const who of ['api', 'runner'] as const) {
      const pool = await heddle.scrape(who);
      const open = ['busy', 'idle'].map((state) => sampleOf(pool, 'heddle_database_pool', { state }) ?? 0);
      assert.ok((open[0] as number) + (open[1] as number) > 0, who);
    }
  });

  it('a runner that is killed, and its task that is taken back', async () => {
    const id = await heddle.submit('wait', { ms: 60_000 }, { max_retries: 3 });
    await heddle.bench.begins(id);
    const before = heddle.runner;
    process.kill(await heddle.heddle.runnerPid(heddle.api), 'SIGKILL');
    await waitFor('it to be started again', () => heddle.runner !== before, 30_000);
    await heddle.reaches('runner', 'heddle_rescues_total', {}, (rescues) => rescues >= 1);
    await runner('heddle_settled_total', { type: 'wait', outcome: 'lost' }, 1);
  });
});
