import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { startTestApi, type TestApi } from '../../support/test-api.ts';
import { waitFor } from '../../support/wait-for.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi();
});
after(() => api?.stop());

/** Adds a row as a runner keeps it, last seen so many seconds ago. @returns its id */
async function addRunner(status: string, secondsAgo: number, types: string[] = []): Promise<string> {
  const id = randomUUID();
  await api.database.query(
    `insert into runners (id, host, pid, version, mode, role, status, last_seen_at, lease_seconds, task_types, threads)
     values ($1, 'here', 42, '1', 'singleton', 'leader', $2, now() - make_interval(secs => $3), 8, $4,
       '[{"id":1,"task_id":null,"task_type":null,"since":null}]')`,
    [id, status, secondsAgo, types],
  );
  return id;
}

describe('GET /task-types', () => {
  it('lists what runners have published, and says what a live runner can run', async () => {
    await addRunner('active', 1, ['greet']);
    await addRunner('standby', 1, ['anything']);
    await addRunner('active', 9, ['anything']);
    await addRunner('stopped', 1, ['anything']);
    const { status, json } = await api.call('GET', '/api/v1/task-types');
    assert.equal(status, 200);
    const [anything, greet, once, tick] = json.items;
    assert.equal(
      Object.keys(greet).join(),
      'name,kind,description,emoji,payload_schema,timeout_seconds,max_retries,retry,batch_size,deduplicate,runnable',
    );
    const { name, kind, description, emoji, timeout_seconds, max_retries, retry, batch_size } = greet;
    assert.deepEqual(
      { name, kind, description, emoji, timeout_seconds, max_retries, retry, batch_size },
      {
        name: 'greet',
        kind: 'database',
        description: 'Greets somebody',
        emoji: '👋',
        timeout_seconds: 60,
        max_retries: 3,
        retry: { strategy: 'cooldown', seconds: 600 },
        batch_size: null,
      },
    );
    assert.deepEqual(greet.payload_schema.required, ['name']);
    assert.equal(anything.retry.max_seconds, 60);
    assert.deepEqual([once.deduplicate, tick.kind], ['payload', 'periodic']);
    assert.deepEqual([anything.runnable, greet.runnable], [false, true]);
  });
});

describe('periodic tasks', () => {
  const act = (action: string) => api.call('POST', `/api/v1/periodic-tasks/tick/${action}`);

  it('are listed', async () => {
    const { json } = await api.call('GET', '/api/v1/periodic-tasks');
    assert.deepEqual(json.items, [
      {
        name: 'tick',
        schedule: 'every 30 seconds',
        timezone: 'UTC',
        next_run_at: null,
        last_run_at: null,
        last_status: null,
        last_duration_ms: null,
        runs: 0,
        failures: 0,
        paused: false,
        missed: 'once',
        overlap: 'skip',
      },
    ]);
  });

  it('can be paused, resumed and run, and the scheduler is woken', async () => {
    const client = await api.database.connect();
    try {
      let notifications = 0;
      client.on('notification', () => notifications++);
      await client.query('listen heddle_due');
      for (const paused of [true, true, false]) {
        const { status, json } = await act(paused ? 'pause' : 'resume');
        assert.deepEqual([status, json.name, json.paused], [200, 'tick', paused]);
      }
      const { status, json } = await act('run');
      assert.deepEqual([status, json.name], [200, 'tick']);
      await waitFor('the notifications', () => notifications === 4);
    } finally {
      client.release(true);
    }
  });

  it('run by hand as a task without retries that uses up no slot', async () => {
    await act('run');
    const [task] = (await api.call('GET', '/api/v1/tasks?type=tick')).json.items;
    assert.deepEqual([task.status, task.params, task.max_retries], ['queued', {}, 0]);
    const { rows } = await api.database.query('select slot, submitted_by from tasks where id = $1', [
      task.id,
    ]);
    assert.deepEqual(rows, [{ slot: null, submitted_by: 'api:anonymous' }]);
  });
});

describe('GET /runners', () => {
  it('lists the living, and for a day the stopped and the lost', async () => {
    await api.database.query('delete from runners');
    const expected = {
      [await addRunner('active', 1)]: 'active',
      [await addRunner('standby', 1)]: 'standby',
      [await addRunner('active', 20)]: 'lost',
      [await addRunner('stopped', 3600)]: 'stopped',
      [await addRunner('lost', 23 * 3600)]: 'lost',
    };
    await addRunner('stopped', 25 * 3600);
    await addRunner('lost', 25 * 3600);
    const { json } = await api.call('GET', '/api/v1/runners');
    assert.equal(
      Object.keys(json.items[0]).join(),
      'id,host,pid,version,role,status,started_at,last_seen_at,threads',
    );
    for (const { status, threads } of json.items) {
      const alive = status === 'active' || status === 'standby';
      assert.deepEqual(threads, alive ? [{ id: 1, task_id: null, task_type: null, since: null }] : []);
    }
    assert.deepEqual(
      Object.fromEntries(json.items.map((item: { id: string; status: string }) => [item.id, item.status])),
      expected,
    );
  });
});

describe('GET /', () => {
  it('is a page for people', async () => {
    const { status, headers, json } = await api.call('GET', '/');
    assert.equal(status, 200);
    assert.match(headers.get('content-type') ?? '', /^text\/html/);
    assert.match(json, /Heddle/);
  });
});
