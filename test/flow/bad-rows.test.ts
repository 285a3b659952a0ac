import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import type pg from 'pg';
import { FaultBench } from '../support/fault-bench.ts';
import { databaseTask, taskFolder } from '../support/task-folder.ts';
import { waitFor } from '../support/wait-for.ts';

/* Rows that no part of Heddle would have written: somebody edited them by hand. */

let bench: FaultBench;

before(async () => {
  bench = await FaultBench.open();
});

afterEach(async () => {
  await bench.endAll();
  await bench.query('truncate tasks cascade; truncate runners');
});

after(() => bench.close());

test('a task that runs in a runner that never was is rescued, and the loss recorded', async () => {
  const id = await bench.submit('no-op', {}, { delay_seconds: 600 });
  await pretendToRun(id, randomUUID());
  const runner = await bench.runner();
  const task = await bench.finished(id);
  assert.deepEqual([task.status, task.attempt], ['completed', 2]);
  assert.deepEqual(await bench.outcomes(id), ['lost']);
  await runner.stop();
  assert.equal(runner.events('task_rescued').length, 1);
});

test('the same while the leader is at work already', async () => {
  await bench.runner();
  const id = await bench.submit('no-op', {}, { delay_seconds: 600 });
  await pretendToRun(id, randomUUID());
  assert.equal((await bench.finished(id)).status, 'completed');
  assert.deepEqual(await bench.outcomes(id), ['lost']);
});

test('what a live runner knows nothing of does not stay running in it: never claimed, or its claim token changed', async () => {
  const runner = await bench.runner();
  const never = await bench.submit('no-op', {}, { delay_seconds: 600 });
  await pretendToRun(never, await bench.runnerId(runner));
  const changed = await bench.submit('wait', { ms: 700 });
  await bench.reaches(changed, 'running');
  await bench.query("update tasks set claim_token = nextval('claim_tokens') where id = $1", [changed]);

  const refusals = () => runner.events('stale_settle').filter(({ task_id }) => task_id === changed);
  await waitFor('the late settle to be refused', () => refusals().length === 1);
  for (const id of [never, changed]) assert.equal((await bench.finished(id, 15_000)).status, 'completed');
});

test('a cancel that was written into the row, and told nobody, is carried out', async () => {
  await bench.runner({ KILL_GRACE_MS: '100' });
  const id = await bench.submit('wait', { ms: 60_000 });
  await bench.reaches(id, 'running');
  await bench.query('update tasks set cancel_requested_at = now() where id = $1', [id]);
  assert.equal((await bench.finished(id)).status, 'cancelled');
});

test('a task of a dead runner that is to be cancelled does not run again', async () => {
  const id = await bench.submit('no-op', {}, { delay_seconds: 600 });
  await pretendToRun(id, randomUUID());
  await bench.query('update tasks set cancel_requested_at = now() where id = $1', [id]);
  await bench.runner();
  assert.equal((await bench.finished(id)).status, 'cancelled');
});

test('more attempts than there may be: a rescue ends it as failed', async () => {
  const id = await bench.submit('no-op', {}, { delay_seconds: 600 });
  await pretendToRun(id, randomUUID());
  await bench.query('update tasks set attempt = 99 where id = $1', [id]);
  await bench.runner();
  const task = await bench.finished(id);
  assert.deepEqual([task.status, task.attempt], ['failed', 99]);
  assert.match(task.error as string, /^lost: runner \S+ died/);
});

test('a runner whose row was deleted goes on, loses nothing, and shows itself again', async () => {
  const runner = await bench.runner();
  const long = await bench.submit('wait', { ms: 1500 });
  await bench.reaches(long, 'running');
  await bench.query('delete from runners');
  assert.equal((await bench.finished(long)).status, 'completed');
  assert.equal((await bench.finished(await bench.submit('no-op'))).status, 'completed');
  await waitFor('its row', async () => {
    const { rowCount } = await bench.query("select from runners where pid = $1 and status = 'active'", [
      runner.child.pid,
    ]);
    return rowCount === 1;
  });
});

test("a dead runner's row that somebody has locked holds up neither the start nor the rescue of the others", async () => {
  const [locked, free] = (await bench.submitAll('no-op', [{}, {}], { delay_seconds: 600 })) as [
    string,
    string,
  ];
  const dead = randomUUID();
  for (const id of [locked, free]) await pretendToRun(id, dead);
  const locker = await bench.database.pool().connect();
  try {
    await locker.query('begin');
    await locker.query('select from tasks where id = $1 for update', [locked]);
    bench.heddle('runner');
    assert.equal((await bench.finished(free, 10_000)).status, 'completed');
    const other = await bench.submit('no-op');
    assert.equal((await bench.finished(other, 10_000)).status, 'completed');
    assert.equal((await bench.task(locked)).status, 'running');
    await locker.query('rollback');
    assert.equal((await bench.finished(locked, 10_000)).status, 'completed');
  } finally {
    locker.release(true);
  }
});

test('a status that is none, and a task that runs nowhere, are refused by the table', async () => {
  const id = await bench.submit('no-op', {}, { delay_seconds: 600 });
  const refused = (constraint: string) => (error: pg.DatabaseError) =>
    error.code === '23514' && error.constraint === constraint;
  const edits: [string, string][] = [
    ["status = 'done'", 'tasks_status_known'],
    ["status = 'RUNNING'", 'tasks_status_known'],
    ["status = 'running'", 'tasks_running_has_claim'],
    ["status = 'running', runner_id = gen_random_uuid()", 'tasks_running_has_claim'],
    ["status = 'running', claim_token = 1", 'tasks_running_has_claim'],
    ['priority = 101', 'tasks_priority_range'],
  ];
  for (const [edit, constraint] of edits) {
    await assert.rejects(bench.query(`update tasks set ${edit} where id = $1`, [id]), refused(constraint));
  }
  await bench.runner();
  await assert.rejects(bench.query("update runners set status = 'asleep'"), refused('runners_status_known'));
});

test('a type that vanished from the code: its tasks wait, it is told, and nobody starves behind them', async (t) => {
  const folder = await taskFolder(t, { 'vanishing.js': databaseTask(), 'staying.js': databaseTask() });
  const first = await bench.runner({ TASKS_DIR: folder });
  assert.equal(await first.stop(), 0);
  await rm(join(folder, 'vanishing.js'));
  const vanished = await bench.submitAll('vanishing', Array(1000).fill({}), { priority: -100 });
  const staying = await bench.submitAll('staying', Array(50).fill({}), { priority: 100 });

  await bench.runner({ TASKS_DIR: folder });
  for (const id of staying) assert.equal((await bench.finished(id, 5000)).status, 'completed');
  const { rows } = await bench.query(
    "select status, attempt, count(*)::int from tasks where type = 'vanishing' group by 1, 2",
  );
  assert.deepEqual(rows, [{ status: 'queued', attempt: 0, count: vanished.length }]);

  const api = bench.heddle('api');
  const url = await waitFor('the API', () => api.events('api_listening')[0]?.url as string | undefined);
  const answer = await fetch(`${url}/api/v1/task-types`);
  const { items } = (await answer.json()) as { items: { name: string; runnable: boolean }[] };
  const runnable = new Map(items.map((type) => [type.name, type.runnable]));
  assert.deepEqual([runnable.get('vanishing'), runnable.get('staying')], [false, true]);
});

/** As a runner would have left it a minute ago. */
async function pretendToRun(id: string, runnerId: string): Promise<void> {
  await bench.query(
    `update tasks set status = 'running', attempt = 1, claim_token = nextval('claim_tokens'), runner_id = $2,
       run_at = now() - interval '1 minute', started_at = now() - interval '1 minute', last_run_at = now() - interval '1 minute'
     where id = $1`,
    [id, runnerId],
  );
}
