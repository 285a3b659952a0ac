import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createTestDatabase } from '../support/database.ts';
import { startTestEngine, type TestEngine, type TestEngineOptions } from '../support/engine.ts';
import { waitFor } from '../support/wait-for.ts';

describe('stopping', { concurrency: true }, () => {
  it('claims nothing more, and lets short tasks finish', async (t) => {
    const heddle = await start(t);
    const running = await heddle.submit('wait', { ms: 200 });
    await heddle.speaks(running);
    await heddle.engine.drain();
    const late = await heddle.submit('no-op');
    await heddle.engine.idle();
    await heddle.engine.stop();
    const task = await heddle.task(running);
    assert.deepEqual([task.status, task.result, task.attempt], ['completed', 'waited', 1]);
    assert.deepEqual(
      heddle.events.of('thread_killed').map(({ reason }) => reason),
      [],
    );
    const untouched = await heddle.task(late);
    assert.deepEqual([untouched.status, untouched.attempt], ['queued', 0]);
    await assertNothingIsHeld(heddle);
  });

  it('gives an attempt back that stops at its signal: it does not count', async (t) => {
    const heddle = await start(t);
    const id = await heddle.submit('wait', { ms: 20_000, heedSignal: true });
    await heddle.speaks(id);
    await heddle.engine.drain();
    heddle.engine.abort();
    await heddle.engine.idle();
    await heddle.engine.stop();
    await assertGivenBack(heddle, id, 'the runner is stopping');
    assert.deepEqual(heddle.events.of('thread_killed'), []);
  });

  it('kills an attempt that does not listen, and gives it back: it does not count', async (t) => {
    const heddle = await start(t);
    const ids = [await heddle.submit('wait', { ms: 20_000 }), await heddle.submit('burn', { ms: 20_000 })];
    for (const id of ids) await heddle.begins(id);
    await heddle.engine.drain();
    heddle.engine.abort();
    await heddle.engine.stop();
    for (const id of ids) await assertGivenBack(heddle, id, 'the runner stopped before it had ended');
    assert.equal(heddle.events.of('thread_killed').length, 2);
    await assertNothingIsHeld(heddle);
  });

  it('ends the SQL of an attempt that it kills', async (t) => {
    const heddle = await start(t);
    const id = await heddle.submit('write', { marker: 'stopped', seconds: 60 });
    await waitFor('its statement', async () => (await backends(heddle)) > 0);
    await heddle.engine.stop();
    assert.equal(await backends(heddle), 0);
    assert.equal((await heddle.pool.query('select from facts')).rowCount, 0);
    await assertGivenBack(heddle, id, 'the runner stopped before it had ended');
  });

  it('gives back untouched what was claimed and had not started, also out of a bundle', async (t) => {
    const heddle = await start(t, { threads: 1 });
    const warm = await heddle.submitAll('spin-sometimes', Array(100).fill({ spin: false }));
    for (const id of warm) await heddle.finished(id);
    const spin = await heddle.submitAll(
      'spin-sometimes',
      Array.from({ length: 40 }, (_, at) => ({ spin: at === 3 })),
    );
    await waitFor('the spin', async () => (await heddle.finished(spin[2] as string)).status === 'completed');
    await heddle.engine.stop();
    const tasks = await Promise.all(spin.map((id) => heddle.task(id)));
    for (const task of tasks.slice(0, 3)) assert.equal(task.status, 'completed');
    for (const task of tasks.slice(3)) assert.deepEqual([task.status, task.attempt], ['queued', 0]);
    for (const task of tasks.slice(4)) assert.deepEqual(await heddle.attempts(task.id), []);
    await assertNothingIsHeld(heddle);
  });

  it('loses nothing in the middle of many: what another engine then runs has run once', async (t) => {
    const database = await createTestDatabase();
    const first = await startTestEngine({ database });
    const ids = await first.submitAll('note', Array(2000).fill({}), { description: 'ran' });
    await waitFor('some to be done', () => first.engine.state.settled > 100);
    await first.engine.drain();
    await first.engine.idle();
    await first.stop();
    await assertNothingIsHeld(first);
    const second = await startTestEngine({ database });
    t.after(() => second.stop());
    t.after(() => database.drop()); // Last: an engine may not have heard yet that what it has settled is settled.
    await waitFor('the rest', async () => {
      const { rows } = await second.pool.query(
        "select count(*)::int as left from tasks where status <> 'completed'",
      );
      return rows[0].left === 0;
    });
    const { rows } = await second.pool.query('select count(*)::int as n, max(attempt) as most from tasks');
    assert.deepEqual(rows, [{ n: ids.length, most: 1 }]);
    assert.equal(ran(first) + ran(second), ids.length);
  });

  it('is possible at once, and more than once', async (t) => {
    const heddle = await start(t, { closed: true });
    await Promise.all([heddle.engine.stop(), heddle.engine.stop()]);
    await heddle.engine.stop();
  });

  it('waits for a thread that is just coming up, and leaves none', async (t) => {
    const heddle = await start(t, { threads: 1 });
    await heddle.finished(await heddle.submit('leave', { code: 1 }));
    await heddle.engine.stop();
    const started = heddle.events.of('thread_started').length;
    await assertNothingIsHeld(heddle);
    assert.ok(started <= 2);
    assert.equal(heddle.events.of('thread_boot_failed').length, 0);
  });
});

async function start(t: TestContext, options: TestEngineOptions = {}): Promise<TestEngine> {
  const heddle = await startTestEngine(options);
  t.after(() => heddle.stop());
  return heddle;
}

async function assertGivenBack(heddle: TestEngine, id: string, message: string): Promise<void> {
  const task = await heddle.task(id);
  assert.deepEqual([task.status, task.attempt, task.error], ['queued', 0, null]);
  assert.ok(Number(task.run_at) <= Date.now(), 'it is due');
  const attempts = await heddle.attempts(id);
  assert.deepEqual(
    attempts.map(({ outcome, error, status_after }) => [outcome, error?.message, status_after]),
    [['given_back', message, 'queued']],
  );
}

async function assertNothingIsHeld(heddle: TestEngine): Promise<void> {
  const { rows } = await heddle.pool.query("select id from tasks where status = 'running'");
  assert.deepEqual(rows, []);
}

async function backends(heddle: TestEngine): Promise<number> {
  const { rowCount } = await heddle.pool.query(
    "select from pg_stat_activity where datname = current_database() and application_name like 'heddle:%'",
  );
  return rowCount ?? 0;
}

function ran(heddle: TestEngine): number {
  return heddle.logLines.filter(({ msg }) => msg === 'ran').length;
}
