import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { putInto } from '../../../support/task-states.ts';
import { startTestApi, type TestApi } from '../../../support/test-api.ts';
import { waitFor } from '../../../support/wait-for.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi();
});
after(() => api?.stop());

const stats = async () => (await api.call('GET', '/api/v1/stats')).json;

describe('GET /stats', () => {
  it('has all six statuses, and nothing where there is nothing', async () => {
    assert.deepEqual(await stats(), {
      tasks: {
        by_status: { created: 0, queued: 0, running: 0, completed: 0, failed: 0, cancelled: 0 },
        by_type: {},
      },
      queue: { ready: 0, scheduled: 0, oldest_ready_age_seconds: null },
      last_hour: {
        completed: 0,
        failed: 0,
        retried: 0,
        wait_ms: { p50: null, p95: null, p99: null },
        run_ms: { p50: null, p95: null, p99: null },
      },
    });
  });

  it('counts tasks one by one', async () => {
    for (const status of ['created', 'queued', 'running', 'completed', 'failed', 'cancelled'] as const) {
      await putInto(api.database, (await api.submit({ type: 'anything' })).id, status);
    }
    await api.submit({ type: 'greet', params: { name: 'x' }, priority: 5 });
    await api.submit({ type: 'greet', params: { name: 'x' } });
    const { tasks, queue } = await waitFor('fresh figures', async () => {
      const now = await stats();
      return now.tasks.by_type.greet === 2 ? now : null;
    });
    assert.deepEqual(tasks, {
      by_status: { created: 1, queued: 3, running: 1, completed: 1, failed: 1, cancelled: 1 },
      by_type: { anything: 6, greet: 2 },
    });
    assert.deepEqual([queue.ready, queue.scheduled], [2, 1]);
    assert.ok(queue.oldest_ready_age_seconds >= 0 && queue.oldest_ready_age_seconds < 60);
  });

  it('tells how long the one has been due that has waited longest, whatever its priority', async () => {
    await api.database.query(
      `insert into tasks (type, status, priority, run_at) values ('late', 'queued', 50, now() - interval '1 hour')`,
    );
    const { queue } = await waitFor('fresh figures', async () => {
      const now = await stats();
      return now.tasks.by_type.late === 1 ? now : null;
    });
    assert.ok(Math.abs(queue.oldest_ready_age_seconds - 3600) < 60);
  });
});

describe('GET /stats of a table that is too large to be counted', () => {
  const within = (value: number, wanted: number, percent: number) =>
    assert.ok(Math.abs(value / wanted - 1) <= percent / 100, `${value} for ${wanted}`);

  before(async () => {
    await api.database.query('delete from tasks');
    // Not analyzed: it is a burst, and the planner knows nothing of it.
    await api.database.query(`
      insert into tasks (type, status, description, run_at)
      select case when i % 4 = 0 then 'mail' when i % 20000 = 7 then 'rare' else 'thumbnail' end,
        case when i % 2 = 0 then 'queued' when i % 100 = 1 then 'failed' else 'completed' end,
        repeat('x', 200), now() + case when i % 3 = 0 then interval '1 hour' else interval '-1 minute' end
      from generate_series(1, 100000) i`);
  });

  it('says that it estimates, and is not far off', async () => {
    const { tasks, queue } = await waitFor('fresh figures', async () => {
      const now = await stats();
      return now.tasks.by_type.mail > 0 ? now : null;
    });
    assert.equal(tasks.is_estimate, true);
    within(tasks.by_status.completed, 49_000, 20);
    within(tasks.by_type.mail, 25_000, 20);
    within(tasks.by_type.thumbnail, 75_000, 20);
    assert.deepEqual([tasks.by_type.rare, tasks.by_status.failed], [5, 1000]);
    assert.equal(queue.is_estimate, true);
    within(queue.ready, 33_333, 25);
    within(queue.scheduled, 16_667, 25);
  });
});
