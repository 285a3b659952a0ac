import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { putInto } from '../../../support/task-states.ts';
import { startTestApi, type TestApi } from '../../../support/test-api.ts';
import { waitFor } from '../../../support/wait-for.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi({ env: { MAX_BODY_BYTES: '50000' } });
});
after(() => api?.stop());

const post = (body: unknown, headers?: Record<string, string>) =>
  api.call('POST', '/api/v1/tasks', body, headers);

describe('POST /tasks', () => {
  it('answers 201 with the task, exactly its fields and in their order, and where it is', async () => {
    const { status, headers, json } = await post({ type: 'greet', params: { name: 'Ada' } });
    assert.equal(status, 201);
    assert.equal(headers.get('location'), `/api/v1/tasks/${json.id}`);
    assert.equal(
      Object.keys(json).join(),
      'id,type,description,params,domain,drift_score,status,result,error,created_at,updated_at,priority,run_at,' +
        'attempt,max_retries,started_at,finished_at,last_run_at,progress,unique_key,depends_on,runner_id,cancel_requested_at',
    );
    assert.match(json.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.match(json.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const { status: state, params, priority, max_retries, attempt, depends_on, drift_score } = json;
    assert.deepEqual(
      { state, params, priority, max_retries, attempt, depends_on, drift_score },
      {
        state: 'queued',
        params: { name: 'Ada' },
        priority: 0,
        max_retries: 3,
        attempt: 0,
        depends_on: [],
        drift_score: 0,
      },
    );
    assert.deepEqual((await api.call('GET', headers.get('location') ?? '')).json, json);
  });

  it('takes every option', async () => {
    const run_at = new Date(Date.now() + 3_600_000).toISOString();
    const { status, json } = await post({
      type: 'anything',
      params: { a: [1, { b: null }] },
      description: 'über',
      domain: 'd',
      drift_score: 0.25,
      run_immediately: false,
      priority: -100,
      run_at,
      max_retries: 0,
      timeout_seconds: 1.5,
      unique_key: 'k',
      depends_on: [],
      on_dependency_failure: 'run',
      snapshot_id: 7,
      attached_fact_ids: ['x'],
    });
    assert.equal(status, 201);
    assert.equal(json.status, 'created');
    assert.equal(json.run_at, run_at);
    assert.deepEqual(
      [json.description, json.domain, json.drift_score, json.priority, json.max_retries, json.unique_key],
      ['über', 'd', 0.25, -100, 0, 'k'],
    );
    const { rows } = await api.database.query(
      'select timeout_seconds, submitted_by from tasks where id = $1',
      [json.id],
    );
    assert.deepEqual(rows, [{ timeout_seconds: 1.5, submitted_by: 'api:anonymous' }]);
  });

  it('takes null for absent, everywhere', async () => {
    const nulls = Object.fromEntries(
      'params,description,domain,drift_score,run_immediately,priority,run_at,delay_seconds,max_retries,timeout_seconds,unique_key,depends_on,on_dependency_failure,snapshot_id'
        .split(',')
        .map((name) => [name, null]),
    );
    const { status, json } = await post({ type: 'anything', ...nulls });
    assert.equal(status, 201);
    assert.deepEqual([json.status, json.params, json.max_retries], ['queued', {}, 2]);
  });

  it('keeps a key named __proto__', async () => {
    const { json } = await api.send('/api/v1/tasks', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"type":"anything","params":{"__proto__":{"x":1}}}',
    });
    assert.equal(JSON.stringify(json.params), '{"__proto__":{"x":1}}');
  });

  it('counts a delay from now, and a time in the past as now', async () => {
    const delayed = await api.submit({ type: 'anything', delay_seconds: 90 });
    assert.equal(Date.parse(delayed.run_at) - Date.parse(delayed.created_at), 90_000);
    const late = await api.submit({ type: 'anything', run_at: '1999-12-31T23:00:00+02:00' });
    assert.equal(late.run_at, late.created_at);
  });

  it('wakes the runners with the milliseconds until the task is due', async () => {
    const client = await api.database.connect();
    try {
      const payloads: (string | undefined)[] = [];
      client.on('notification', ({ payload }) => payloads.push(payload));
      await client.query('listen heddle_due');
      await api.submit({ type: 'anything' });
      await api.submit({ type: 'anything', delay_seconds: 2 });
      await api.submit({ type: 'anything', run_immediately: false });
      await waitFor('two notifications', () => payloads.length === 2);
      assert.deepEqual(payloads, ['0', '2000']);
      await post({ type: 'anything', delay_seconds: 3 }, { 'idempotency-key': 'one' });
      await post({ type: 'anything', run_immediately: false }, { 'idempotency-key': 'two' });
      await post({ type: 'anything' }, { 'idempotency-key': 'three' });
      await waitFor('two more', () => payloads.length === 4);
      assert.deepEqual(payloads.slice(2), ['3000', '0']);
    } finally {
      client.release(true);
    }
  });

  it('answers 200 with the task that is there when the same work is under way, and allows it one more retry', async () => {
    const first = await post({ type: 'once', params: { a: 1, b: { c: 2, d: 1.0 } } });
    assert.equal(first.status, 201);
    assert.equal('deduplicated' in first.json, false);
    const second = await post({ type: 'once', params: { b: { d: 1, c: 2 }, a: 1 } });
    assert.equal(second.status, 200);
    assert.equal(second.headers.get('location'), `/api/v1/tasks/${first.json.id}`);
    assert.deepEqual(
      [second.json.id, second.json.deduplicated, second.json.max_retries],
      [first.json.id, true, 4],
    );
    assert.equal((await post({ type: 'once', params: { a: 1 } })).status, 201);
    for (const status of ['completed', 'failed', 'cancelled'] as const) {
      const { json } = await post({ type: 'once', params: { status } });
      await putInto(api.database, json.id, status);
      assert.equal((await post({ type: 'once', params: { status } })).status, 201);
    }
  });

  it('adds one task for 50 simultaneous equal submissions', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => post({ type: 'once', params: { stampede: true } })),
    );
    assert.equal(new Set(answers.map((answer) => answer.json.id)).size, 1);
    assert.deepEqual(
      answers.map((answer) => answer.status).sort((a, b) => a - b),
      [...Array(49).fill(200), 201],
    );
    const { rows } = await api.database.query(`select max_retries from tasks where params ? 'stampede'`);
    assert.deepEqual(rows, [{ max_retries: 3 + 49 }]);
  });
});

describe('POST /tasks faster than the database takes them', () => {
  it('is answered 503 with Retry-After, and stores what it accepted', async () => {
    const lock = await api.database.connect();
    await lock.query('begin; lock table tasks in exclusive mode');
    const text = 'x'.repeat(45_000);
    const answers = Array.from({ length: 900 }, () => post({ type: 'anything', params: { flood: text } }));
    const refused = await Promise.race(answers);
    assert.deepEqual(
      [refused.status, refused.json.type, refused.headers.get('retry-after')],
      [503, '/problems/overloaded', '2'],
    );
    await lock.query('rollback');
    lock.release();
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    assert.deepEqual([...new Set(statuses)].sort(), [201, 503]);
    const { rows } = await api.database.query(
      `select count(*)::int as count from tasks where params ? 'flood'`,
    );
    assert.deepEqual(rows, [{ count: statuses.filter((status) => status === 201).length }]);
  });
});

describe('POST /tasks with Prefer: wait', () => {
  it('answers as soon as the task has ended', async () => {
    const answer = post({ type: 'anything', params: { waited: 1 } }, { prefer: 'respond-async, wait=30' });
    const { rows } = await waitFor('the task', async () => {
      const found = await api.database.query(`select id from tasks where params ? 'waited'`);
      return found.rowCount === 1 ? found : null;
    });
    await putInto(api.database, rows[0].id, 'completed');
    const { status, headers, json } = await answer;
    assert.equal(status, 201);
    assert.equal(headers.get('preference-applied'), 'wait');
    assert.deepEqual([json.status, json.result], ['completed', { done: true }]);
  });

  it('answers with the task as it is when the time is over', async () => {
    const { status, headers, json } = await post({ type: 'anything' }, { prefer: 'wait=0' });
    assert.deepEqual([status, headers.get('preference-applied'), json.status], [201, 'wait', 'queued']);
  });

  it('ignores a preference it does not understand', async () => {
    const { status, headers } = await post({ type: 'anything' }, { prefer: 'wait=soon' });
    assert.deepEqual([status, headers.get('preference-applied')], [201, null]);
  });
});

describe('POST /tasks/batch', () => {
  const batch = (tasks: unknown) => api.call('POST', '/api/v1/tasks/batch', { tasks });

  it('answers 201 with the tasks in order, equal ones once', async () => {
    const { status, json } = await batch([
      { type: 'once', params: { z: 1 } },
      { type: 'greet', params: { name: 'x' } },
      { type: 'once', params: { z: 1 } },
      { type: 'anything', priority: 5 },
    ]);
    assert.equal(status, 201);
    assert.deepEqual(
      json.items.map((item: { type: string }) => item.type),
      ['once', 'greet', 'once', 'anything'],
    );
    assert.equal(json.items[0].id, json.items[2].id);
    assert.deepEqual([json.items[0].deduplicated, json.items[2].deduplicated], [undefined, true]);
    assert.equal(json.items[0].max_retries, 4);
  });

  it('takes a thousand', async () => {
    const { status, json } = await batch(
      Array.from({ length: 1000 }, (_, n) => ({ type: 'anything', params: { n } })),
    );
    assert.equal(status, 201);
    assert.deepEqual(
      json.items.map((item: { params: { n: number } }) => item.params.n),
      Array.from({ length: 1000 }, (_, n) => n),
    );
  });

  it('accepts nothing when one is wrong, and points at every fault', async () => {
    const before = await api.call('GET', '/api/v1/tasks?type=greet');
    const { status, json } = await batch([
      { type: 'greet', params: { name: 'fine' } },
      { type: 'greet', params: {} },
      { type: 'greet', params: { name: 'x', 'y/z': 1, 'a/b~c': 'no' } },
      { type: 'nope' },
      { type: 'greet', params: { name: 'x' }, timeout_seconds: 61 },
    ]);
    assert.equal(status, 422);
    assert.equal(json.type, '/problems/unknown-task-type');
    assert.deepEqual(json.errors.map((error: { pointer: string }) => error.pointer).sort(), [
      '/tasks/1/params/name',
      '/tasks/2/params/a~1b~0c',
      '/tasks/2/params/y~1z',
      '/tasks/3/type',
      '/tasks/4/timeout_seconds',
    ]);
    assert.equal((await api.call('GET', '/api/v1/tasks?type=greet')).json.total, before.json.total);
  });

  it('points at faults of form, too', async () => {
    const { status, json } = await batch([{ type: 'anything' }, { typ: 'anything', priority: 101 }]);
    assert.equal(status, 422);
    assert.deepEqual(json.errors, [
      { pointer: '/tasks/1/type', detail: 'is required' },
      { pointer: '/tasks/1/priority', detail: 'must be a whole number from -100 to 100' },
      { pointer: '/tasks/1/typ', detail: 'is not a known field' },
    ]);
  });

  it('takes from 1 to 1000 tasks', async () => {
    for (const tasks of [[], Array(1001).fill({ type: 'anything' }), {}, null, undefined]) {
      const { status, json } = await batch(tasks);
      assert.deepEqual([status, json.errors[0].pointer], [422, '/tasks']);
    }
  });
});
