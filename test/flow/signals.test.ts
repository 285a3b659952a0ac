import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEmptyDatabase } from '../support/database.ts';
import { FaultBench } from '../support/fault-bench.ts';
import type { Heddle } from '../support/heddle.ts';
import { waitFor } from '../support/wait-for.ts';

/* SIGTERM to a runner process: how it ends, and what it leaves. */

let bench: FaultBench;

before(async () => {
  bench = await FaultBench.open();
});

afterEach(async () => {
  await bench.endAll();
  await bench.query('truncate tasks cascade; truncate runners');
});

after(() => bench.close());

test('nothing is claimed that comes 100 ms after the signal; what runs may finish; the exit code is 0', async () => {
  const runner = await bench.runner({ STOP_GRACE_SECONDS: '5' });
  const running = await bench.submit('wait', { ms: 1500 });
  await bench.begins(running);
  const stopped = runner.stop();
  await sleep(100); // The promise is about this time, on a machine that has time for the signal.
  await waitFor('the first stage', () => stages(runner).length === 1);
  const late = await bench.submit('no-op');
  assert.equal(await stopped, 0);
  assert.equal((await bench.task(running)).status, 'completed');
  await assertUntouched(late);
  assert.deepEqual(stages(runner), ['claims']);
  const { rows } = await bench.query('select status from runners');
  assert.deepEqual(rows, [{ status: 'stopped' }]);
});

test('at the end of the grace what still runs has been killed and given back, without using up its attempt', async () => {
  const runner = await bench.runner({ STOP_GRACE_SECONDS: '1' });
  const id = await bench.submit('wait', { ms: 60_000 });
  await bench.begins(id);
  const signalledAt = performance.now();
  assert.equal(await runner.stop(), 0);
  const tookMs = performance.now() - signalledAt;
  assert.ok(tookMs > 850 && tookMs < 4000, `it took ${tookMs} ms of a grace of 1 s`);
  assert.deepEqual(stages(runner), ['claims', 'abort', 'kill']);
  await assertGivenBack(id);
});

test('each further signal goes to the next stage at once: abort, then kill; two within half a second are one', async () => {
  const runner = await bench.runner({ STOP_GRACE_SECONDS: '60' });
  const id = await bench.submit('wait', { ms: 60_000 });
  await bench.begins(id);
  runner.child.kill('SIGTERM');
  runner.child.kill('SIGINT');
  await waitFor('the first stage', () => stages(runner).length === 1);
  await sleep(1000); // A later signal is another one.
  assert.deepEqual(stages(runner), ['claims']);
  runner.child.kill('SIGINT');
  await waitFor('the abort', () => stages(runner).at(-1) === 'abort');
  await sleep(1000);
  assert.deepEqual(stages(runner), ['claims', 'abort']);
  const hurriedAt = performance.now();
  assert.equal(await runner.stop(), 0);
  assert.ok(performance.now() - hurriedAt < 5000, 'the kill does not wait for the grace');
  assert.deepEqual(stages(runner), ['claims', 'abort', 'kill']);
  await assertGivenBack(id);
});

test('a task that throws before the abort has failed: it is retried, or ends as failed', async () => {
  const runner = await bench.runner({ STOP_GRACE_SECONDS: '10' });
  const retried = await bench.submit('throw-late', { at: 1000 }, { max_retries: 1 });
  const failed = await bench.submit('throw-late', { at: 1000 }, { max_retries: 0 });
  for (const id of [retried, failed]) await bench.begins(id);
  assert.equal(await runner.stop(), 0);
  assert.deepEqual(stages(runner), ['claims']);
  for (const [id, status] of [
    [retried, 'queued'],
    [failed, 'failed'],
  ] as const) {
    const task = await bench.task(id);
    assert.deepEqual([task.status, task.attempt, task.error], [status, 1, 'torn down']);
    assert.deepEqual(await bench.outcomes(id), ['failed']);
  }
});

test('a task that throws after the abort is given back', async () => {
  const runner = await bench.runner({ STOP_GRACE_SECONDS: '1' });
  const id = await bench.submit('throw-late', { at: 'abort' });
  await bench.begins(id);
  assert.equal(await runner.stop(), 0);
  assert.deepEqual(stages(runner), ['claims', 'abort']);
  await assertGivenBack(id);
});

test('during a drain that is longer than the lease it is seen as draining, and a standby waits for its end', async () => {
  const runner = await bench.runner({ STOP_GRACE_SECONDS: '30', LEASE_SECONDS: '2' });
  const standby = await bench.runner({ LEASE_SECONDS: '2' });
  const id = await bench.submit('wait', { ms: 4500 });
  await bench.begins(id);
  const waiting = await bench.submit('no-op', {}, { delay_seconds: 1 });
  const runnerId = await bench.runnerId(runner);
  const stopped = runner.stop();
  const look = async () => (await bench.query<Seen>(SEEN, [id, runnerId])).rows[0] as Seen;
  await waitFor('the drain', async () => (await look()).status === 'draining');
  const silences: number[] = [];
  await waitFor('the task to end', async () => {
    const seen = await look();
    if (!seen.running) return true;
    silences.push(seen.silent_seconds);
    assert.equal(seen.status, 'draining');
    assert.equal(standby.events('leader_elected').length, 0, 'nobody takes over');
    return false;
  });
  assert.equal(await stopped, 0);
  assert.ok(Math.max(...silences) < 2, `it was silent for ${Math.max(...silences)} s`);
  assert.deepEqual(
    [(await bench.task(id)).status, (await bench.task(id)).attempt, await bench.outcomes(id)],
    ['completed', 1, []],
  );
  await waitFor('the standby to lead', () => standby.events('leader_elected')[0]);
  assert.equal((await bench.finished(waiting)).status, 'completed');
  assert.deepEqual(standby.events('task_rescued'), []);
});

test('while it waits for the migration lock it ends at once, and has changed nothing', async () => {
  const empty = await FaultBench.open(await createEmptyDatabase());
  try {
    await holding(empty, `select pg_advisory_lock(${0x4845444c}, 1)`, async () => {
      const runner = empty.heddle('runner');
      await waitFor('it to wait', () => runner.events('migration_waiting')[0], 15_000);
      await assertEndsSoon(runner);
    });
    const { rows } = await empty.query("select to_regclass('tasks') as tasks");
    assert.deepEqual(rows, [{ tasks: null }]);
  } finally {
    await empty.close();
  }
});

test('right after its first migration it ends at once, and the next one goes on from there', async () => {
  const empty = await FaultBench.open(await createEmptyDatabase());
  try {
    const runner = empty.heddle('runner');
    await waitFor('a migration', () => runner.events('migration_applied')[0], 15_000);
    await assertEndsSoon(runner);
    await empty.runner();
    assert.equal((await empty.finished(await empty.submit('no-op'))).status, 'completed');
  } finally {
    await empty.close();
  }
});

for (const table of ['runners', 'task_types']) {
  test(`while its start waits to write ${table} it ends as soon as it can, and the rest of its start does not follow`, async () => {
    let runner: Heddle | undefined;
    await holding(bench, `lock table ${table} in access exclusive mode`, async () => {
      runner = bench.heddle('runner');
      await waitFor('it to wait', async () => (await bench.query(WAITING)).rowCount !== 0, 15_000);
      runner.child.kill('SIGTERM');
      await waitFor('it to stop', () => stages(runner as Heddle).length === 1);
    });
    await assertEndsSoon(runner as unknown as Heddle);
    await bench.backendsGone();
    const { rows } = await bench.query("select from runners where status <> 'stopped'");
    assert.deepEqual(rows, []);
    await bench.runner();
    assert.equal((await bench.finished(await bench.submit('no-op'))).status, 'completed');
  });
}

test('heddle start, told to stop while its runner comes up, ends both cleanly', async () => {
  const heddle = bench.heddle('start');
  await waitFor('the API', () => heddle.events('api_listening')[0], 15_000);
  await assertEndsSoon(heddle);
  await bench.backendsGone();
});

const WAITING = `
select from pg_stat_activity
where datname = current_database() and application_name like 'heddle%' and wait_event_type = 'Lock'`;

const SEEN = `
select t.status = 'running' as running, r.status, extract(epoch from clock_timestamp() - r.last_seen_at)::float8 as silent_seconds
from tasks t, runners r where t.id = $1 and r.id = $2`;

interface Seen extends Record<string, unknown> {
  running: boolean;
  status: string;
  silent_seconds: number;
}

function stages(runner: Heddle): unknown[] {
  return runner.events('stopping').map(({ stage }) => stage);
}

async function assertUntouched(id: string): Promise<void> {
  const task = await bench.task(id);
  assert.deepEqual([task.status, task.attempt, task.runner_id], ['queued', 0, null]);
}

async function assertGivenBack(id: string): Promise<void> {
  const task = await bench.task(id);
  assert.deepEqual([task.status, task.attempt], ['queued', 0]);
  assert.deepEqual(await bench.outcomes(id), ['given_back']);
}

/** Does something while a transaction of somebody else has run a statement, and is open. */
async function holding(on: FaultBench, statement: string, work: () => Promise<void>): Promise<void> {
  const holder = await on.database.pool().connect();
  try {
    await holder.query('begin');
    await holder.query(statement);
    await work();
  } finally {
    holder.release(true);
  }
}

async function assertEndsSoon(runner: Heddle): Promise<void> {
  const signalledAt = performance.now();
  assert.equal(await runner.stop(), 0, runner.stderr);
  assert.ok(performance.now() - signalledAt < 3000);
  assert.equal(runner.stderr, '');
}
