import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import type { HeddleEvent } from '../../../../src/main/observe/events.ts';
import { RunnerMetrics } from '../../../../src/main/observe/metrics/runner.ts';
import { lintMetrics, sampleOf } from '../../../support/lint-metrics.ts';

const TYPES = [
  { name: 'mail', kind: 'database' },
  { name: 'tick', kind: 'periodic' },
] as const;

const runner = () =>
  new RunnerMetrics(() => ({ types: TYPES, threads: { busy: 2, idle: 1, stuck: 0 }, pool: null }));

const ended = (
  task_type: string,
  outcome: string,
  status: string,
  waited_ms: number | null,
): HeddleEvent => ({
  event: 'attempt_ended',
  task_id: randomUUID(),
  task_type,
  attempt: 1,
  outcome,
  status,
  ran_ms: 3,
  waited_ms,
});

async function told(events: readonly HeddleEvent[]) {
  const metrics = runner();
  for (const event of events) metrics.note(event);
  const samples = lintMetrics(await metrics.registry.metrics());
  return (name: string, labels?: Record<string, string>) => sampleOf(samples, name, labels);
}

describe('the metrics of a runner', () => {
  it('have every name, and numbers that begin at 0', async () => {
    const text = await runner().registry.metrics();
    lintMetrics(text);
    for (const name of [
      'heddle_claimed_total',
      'heddle_settled_total',
      'heddle_run_duration_seconds',
      'heddle_wait_duration_seconds',
      'heddle_retries_total',
      'heddle_rescues_total 0',
      'heddle_kills_total{reason="timeout"} 0',
      'heddle_stale_settles_total 0',
      'heddle_threads{state="busy"} 2',
      'heddle_thread_restarts_total 0',
      'heddle_periodic_lateness_seconds',
      'heddle_database_pool{state="waiting"} 0',
      'process_cpu_seconds_total',
    ]) {
      assert.ok(text.includes(name), name);
    }
  });

  it('count what became of tasks, by type and outcome', async () => {
    const of = await told([
      { event: 'tasks_claimed', count: 3, by_type: { mail: 2, tick: 1 } },
      ended('mail', 'succeeded', 'completed', 20),
      ended('mail', 'failed', 'queued', 0.1),
      ended('mail', 'snoozed', 'queued', 1),
      ended('tick', 'succeeded', 'completed', 60),
      ended('mail', 'lost', 'queued', null),
    ]);
    assert.equal(of('heddle_claimed_total', { type: 'mail' }), 2);
    assert.equal(of('heddle_settled_total', { type: 'mail', outcome: 'succeeded' }), 1);
    assert.equal(of('heddle_settled_total', { type: 'mail', outcome: 'lost' }), 1);
    assert.equal(of('heddle_retries_total', { type: 'mail' }), 2);
    assert.equal(of('heddle_retries_total', { type: 'tick' }), 0);
    assert.equal(of('heddle_run_duration_seconds_count', { type: 'mail' }), 3);
    assert.equal(of('heddle_run_duration_seconds_sum', { type: 'mail' }), 0.009);
    assert.equal(of('heddle_run_duration_seconds_bucket', { type: 'mail', le: '0.002' }), 0);
    assert.equal(of('heddle_run_duration_seconds_bucket', { type: 'mail', le: '0.004' }), 3);
    assert.equal(of('heddle_wait_duration_seconds_bucket', { type: 'mail', le: '0.001' }), 1);
    assert.equal(of('heddle_wait_duration_seconds_bucket', { type: 'mail', le: '+Inf' }), 3);
    assert.equal(of('heddle_periodic_lateness_seconds_count', { type: 'tick' }), 1);
    assert.equal(of('heddle_periodic_lateness_seconds_bucket', { type: 'tick', le: '0.064' }), 1);
    assert.equal(of('heddle_periodic_lateness_seconds_count', { type: 'mail' }), undefined);
  });

  it('count types that the runner does not have together', async () => {
    const of = await told([
      ended('made up', 'lost', 'queued', null),
      ended('this one, too', 'lost', 'queued', null),
    ]);
    assert.equal(of('heddle_settled_total', { type: 'other', outcome: 'lost' }), 2);
  });

  it('count what went wrong', async () => {
    const killed = (cause: 'timeout' | 'memory'): HeddleEvent => ({
      event: 'thread_killed',
      thread_id: 1,
      task_id: null,
      task_type: null,
      cause,
      reason: 'at length',
      exit_ms: 5,
    });
    const started = (replaces: boolean): HeddleEvent => ({
      event: 'thread_started',
      thread_id: 1,
      took_ms: 5,
      replaces,
    });
    const of = await told([
      killed('timeout'),
      killed('timeout'),
      killed('memory'),
      started(false),
      started(true),
      { event: 'stale_settle', task_id: randomUUID(), claim_token: '7' },
      { event: 'task_rescued', task_id: randomUUID(), task_type: 'mail', runner_id: randomUUID() },
    ]);
    assert.equal(of('heddle_kills_total', { reason: 'timeout' }), 2);
    assert.equal(of('heddle_kills_total', { reason: 'memory' }), 1);
    assert.equal(of('heddle_thread_restarts_total'), 1);
    assert.equal(of('heddle_stale_settles_total'), 1);
    assert.equal(of('heddle_rescues_total'), 1);
  });
});
