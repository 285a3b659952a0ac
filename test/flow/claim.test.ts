import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createTestDatabase } from '../support/database.ts';
import { startTestEngine, type TestEngine, type TestEngineOptions } from '../support/engine.ts';
import { waitFor } from '../support/wait-for.ts';

describe('claiming', { concurrency: false }, () => {
  it('takes the most urgent first: by priority, then by when it was due, then by id', async (t) => {
    const heddle = await start(t, { threads: 1, closed: true });
    const asked: [description: string, dueForSeconds: number, priority: number][] = [
      ['late', 10, 0],
      ['early', 20, 0],
      ['urgent', 1, -5],
      ['idle', 100, 5],
      ['same 1', 5, 0],
      ['same 2', 5, 0],
      ['same 3', 5, 0],
    ];
    for (const [description, dueForSeconds, priority] of asked) {
      const id = await heddle.submit('note', {}, { description, priority });
      await heddle.pool.query(
        "update tasks set run_at = date_trunc('day', now()) - $2 * interval '1 second' where id = $1",
        [id, dueForSeconds],
      );
    }
    heddle.engine.open();
    await allCompleted(heddle);
    assert.deepEqual(
      heddle.logLines.map(({ msg }) => msg),
      ['urgent', 'early', 'late', 'same 1', 'same 2', 'same 3', 'idle'],
    );
  });

  it('gives back what it has claimed ahead when a task that was quick so far turns out to hang: another runner does it', async (t) => {
    const database = await createTestDatabase();
    const heddle = await start(t, { threads: 1, database });
    for (const id of await heddle.submitAll('wait', Array(60).fill({ ms: 0 }))) await heddle.finished(id);
    const [hung, ...behind] = await heddle.submitAll('wait', [{ ms: 60_000 }, ...Array(20).fill({ ms: 0 })]);
    await waitFor('some to be claimed ahead', () => heddle.engine.state.ready > 0);
    await waitFor('them to be given back', () => heddle.engine.state.ready === 0);
    const other = await start(t, { threads: 1, database });
    t.after(() => database.drop()); // Last: the task that hangs is given back, and the other one may have it then.
    for (const id of behind) {
      const task = await heddle.finished(id);
      assert.deepEqual([task.attempt, task.runner_id], [1, other.runnerId]);
      assert.deepEqual(await heddle.attempts(id), []);
    }
    assert.equal((await heddle.task(hung as string)).status, 'running');
  });

  it('takes a due tick before database tasks', async (t) => {
    const heddle = await start(t, { threads: 1, closed: true });
    await heddle.submitAll('note', Array(5).fill({}), { description: 'task', priority: -100 });
    await heddle.pool.query(
      "insert into tasks (type, status, slot, max_retries) values ('tick', 'queued', now(), 0)",
    );
    heddle.engine.open();
    await allCompleted(heddle);
    assert.deepEqual(
      heddle.logLines.map(({ msg }) => msg),
      ['tick', ...Array(5).fill('task')],
    );
  });

  it('leaves the future alone, and comes when it is there', async (t) => {
    const heddle = await start(t);
    const soon = await heddle.submit('no-op', {}, { delay_seconds: 0.3 });
    const sooner = await heddle.submit('no-op', {}, { delay_seconds: 0.2 });
    const far = await heddle.submit('no-op', {}, { delay_seconds: 3600 });
    for (const [id, seconds] of [
      [sooner, 0.2],
      [soon, 0.3],
    ] as const) {
      const task = await heddle.finished(id);
      const late = Number(task.started_at) - Number(task.run_at);
      assert.ok(late >= 0 && late < 1000, `the one in ${seconds} s came ${late} ms late`);
    }
    assert.equal((await heddle.task(far)).status, 'queued');
  });

  it('never takes a type it does not know, which starves nobody', async (t) => {
    const heddle = await start(t);
    await heddle.pool.query(
      "insert into tasks (type, status, priority) select 'unknown', 'queued', -100 from generate_series(1, 2000)",
    );
    assert.equal((await heddle.finished(await heddle.submit('no-op'))).status, 'completed');
    const { rows } = await heddle.pool.query(
      "select status, count(*)::int as n from tasks where type = 'unknown' group by 1",
    );
    assert.deepEqual(rows, [{ status: 'queued', n: 2000 }]);
  });

  it('never runs more of a type at once than its batchSize', async (t) => {
    const heddle = await start(t, { threads: 3 });
    const pairs = await heddle.submitAll('two-at-once', Array(30).fill({}));
    let most = 0;
    await waitFor('all of them', async () => {
      const { rows } = await heddle.pool.query(
        "select count(*) filter (where status = 'running')::int as running, count(*) filter (where status = 'completed')::int as done from tasks",
      );
      most = Math.max(most, rows[0].running);
      assert.ok(rows[0].running <= 2, `${rows[0].running} run at once`);
      return rows[0].done === pairs.length;
    });
    assert.equal(most, 2, 'and no fewer');
  });

  it('runs each of a thousand tasks once', async (t) => {
    const heddle = await start(t);
    const ids = await heddle.submitAll('note', Array(1000).fill({}), { description: 'one of many' });
    await allCompleted(heddle);
    assertEachRanOnce(ids, [heddle]);
  });

  it('of two engines on one database gives each task to one of them', async (t) => {
    const database = await createTestDatabase();
    const engines = await Promise.all([start(t, { database }), start(t, { database })]);
    t.after(() => database.drop()); // Last: an engine that is stopped looks for what it has claimed.
    const ids: string[] = [];
    for (let round = 0; round < 10; round++) {
      ids.push(...(await engines[0].submitAll('note', Array(80).fill({}), { description: 'shared' })));
      engines[1].engine.wake();
    }
    await allCompleted(engines[0]);
    assertEachRanOnce(ids, engines);
    for (const { logLines } of engines) assert.ok(logLines.length > 0, 'both had their share');
  });

  it('finds tasks by polling alone', async (t) => {
    const heddle = await start(t);
    await heddle.pool.query("insert into tasks (type, status) values ('poll-often', 'queued')");
    await allCompleted(heddle, 3000);
  });
});

async function start(t: TestContext, options: TestEngineOptions = {}): Promise<TestEngine> {
  const heddle = await startTestEngine(options);
  t.after(() => heddle.stop());
  return heddle;
}

async function allCompleted(heddle: TestEngine, timeoutMs?: number): Promise<void> {
  await waitFor(
    'all tasks to be completed',
    async () => {
      const { rows } = await heddle.pool.query(
        "select count(*)::int as n from tasks where status <> 'completed'",
      );
      return rows[0].n === 0;
    },
    timeoutMs,
  );
}

function assertEachRanOnce(ids: string[], engines: TestEngine[]): void {
  const ran = engines.flatMap(({ logLines }) => logLines.map(({ task_id }) => task_id));
  assert.deepEqual(ran.sort(), ids.sort());
}
