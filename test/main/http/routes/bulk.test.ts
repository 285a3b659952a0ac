import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { STATUSES, type Status } from '../../../../src/main/engine/task.ts';
import { serve } from '../../../support/serve.ts';
import { putInto } from '../../../support/task-states.ts';
import { startTestApi, type TestApi } from '../../../support/test-api.ts';
import { waitFor } from '../../../support/wait-for.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi({ env: { API_TOKENS: 'ops:operator:o,eye:viewer:v,root:admin:r' } });
});
after(() => api?.stop());
beforeEach(() => api.database.query('delete from tasks'));

type Verb = 'run' | 'cancel';
const OPERATOR = { authorization: 'Bearer o' };

const call = (method: string, path: string, body?: unknown) =>
  api.call(method, `/api/v1/tasks${path}`, body, OPERATOR);
const bulk = (verb: Verb, body: unknown) => call('POST', `/${verb}`, body);

async function submit(submission: Record<string, unknown> = {}): Promise<string> {
  return (await call('POST', '', { type: 'anything', ...submission })).json.id;
}

async function taskIn(status: Status, submission: Record<string, unknown> = {}): Promise<string> {
  const id = await submit(submission);
  await putInto(api.database, id, status);
  return id;
}

async function oneInEachStatus(): Promise<Map<Status, string>> {
  const ids = new Map<Status, string>();
  for (const status of STATUSES) ids.set(status, await taskIn(status));
  return ids;
}

async function addMany(count: number, status: Status): Promise<void> {
  const { rows } = await api.database.query(
    `insert into tasks (type, status) select 'anything', 'queued' from generate_series(1, $1) returning id`,
    [count],
  );
  if (status === 'queued') return;
  await api.database.query('update tasks set status = $2 where id = any($1)', [
    rows.map(({ id }) => id),
    status,
  ]);
}

async function statuses(): Promise<Record<string, number>> {
  const { rows } = await api.database.query('select status, count(*)::int from tasks group by status');
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
}

const lastEvent = async (id: string | undefined) => (await call('GET', `/${id}/events`)).json.items.at(-1);

describe('POST /tasks/run', () => {
  it('runs what a run of each alone would, and counts all that matched', async () => {
    const ids = await oneInEachStatus();
    assert.deepEqual((await bulk('run', { all: true })).json, { matched: 6, changed: 4 });
    assert.deepEqual(await statuses(), { queued: 4, running: 1, completed: 1 });
    for (const from of ['created', 'queued', 'failed', 'cancelled'] as const) {
      const { to, actor, detail, ...event } = await lastEvent(ids.get(from));
      assert.deepEqual([event.from, to, actor, detail], [from, 'queued', 'api:ops', 'run by hand']);
    }
  });

  it('runs one of those that do the same work, the oldest', async () => {
    const twins = [];
    for (let n = 0; n < 3; n++) twins.push(await taskIn('failed', { type: 'once', params: { twin: 1 } }));
    assert.deepEqual((await bulk('run', { type: 'once' })).json, { matched: 3, changed: 1 });
    assert.deepEqual((await call('GET', '?status=queued')).json.items[0].id, twins[0]);
  });

  it('wakes the runners once for each thousand', async () => {
    await addMany(2500, 'failed');
    const client = await api.database.connect();
    try {
      const payloads: (string | undefined)[] = [];
      client.on('notification', ({ payload }) => payloads.push(payload));
      await client.query('listen heddle_due');
      assert.deepEqual((await bulk('run', { status: 'failed' })).json, { matched: 2500, changed: 2500 });
      await submit({ delay_seconds: 7 });
      await waitFor('the last one', () => payloads.includes('7000'));
      assert.ok(payloads.length >= 4 && payloads.length <= 7, `${payloads.length - 1} for 2,500 tasks`);
    } finally {
      client.release(true);
    }
  });
});

describe('POST /tasks/cancel', () => {
  it('cancels what a cancel of each alone would, and counts all that matched', async () => {
    const ids = await oneInEachStatus();
    assert.deepEqual((await bulk('cancel', { all: true })).json, { matched: 6, changed: 3 });
    assert.deepEqual(await statuses(), { cancelled: 3, running: 1, completed: 1, failed: 1 });
    for (const [from, to, detail] of [
      ['created', 'cancelled', 'cancelled by hand'],
      ['queued', 'cancelled', 'cancelled by hand'],
      ['running', 'running', 'cancel requested'],
    ] as const) {
      const event = await lastEvent(ids.get(from));
      assert.deepEqual([event.from, event.to, event.actor, event.detail], [from, to, 'api:ops', detail]);
    }
    const again = await bulk('cancel', { all: true });
    assert.deepEqual(again.json, { matched: 6, changed: 0 });
  });

  it('takes 5,000, each once', async () => {
    await addMany(5000, 'queued');
    assert.deepEqual((await bulk('cancel', { status: 'queued' })).json, { matched: 5000, changed: 5000 });
    const { rows } = await api.database.query(
      'select count(*)::int, count(distinct task_id)::int as tasks from task_events where task_id in (select id from tasks)',
    );
    assert.deepEqual(rows, [{ count: 5000, tasks: 5000 }]);
    assert.deepEqual(await statuses(), { cancelled: 5000 });
  });

  it('ends after the chunk that is under way when its caller goes away', async () => {
    await addMany(20_000, 'queued');
    const server = await serve(api.app);
    try {
      const leaving = new AbortController();
      const answer = fetch(`${server.url}/api/v1/tasks/cancel`, {
        method: 'POST',
        headers: { ...OPERATOR, 'content-type': 'application/json' },
        body: JSON.stringify({ status: 'queued' }),
        signal: leaving.signal,
      });
      await waitFor('the first chunk', async () => (await statuses()).cancelled);
      leaving.abort();
      await assert.rejects(answer, { name: 'AbortError' });
    } finally {
      await server.close();
    }
    // The server has closed when the request has been dealt with.
    const { queued = 0, cancelled = 0 } = await statuses();
    assert.ok(queued > 0, 'all were cancelled before the caller was gone');
    assert.equal(cancelled % 1000, 0);
    await bulk('cancel', { all: true });
    assert.deepEqual(await statuses(), { cancelled: 20_000 });
  });
});

describe('the filter of a bulk', () => {
  it('matches what the list matches, and a dry run what the same call does after it', async () => {
    await taskIn('failed', { domain: 'shop', description: 'Fifty% off' });
    await taskIn('cancelled', { domain: 'shop', unique_key: 'k' });
    await submit({ type: 'once', params: { find: 'ME' } });
    const middle = new Date((await call('GET', '')).json.items[1].created_at).toISOString();
    await submit({ domain: 'shop' });
    for (const filter of [
      { status: 'failed' },
      { status: ['failed', 'cancelled'] },
      { type: 'once' },
      { domain: 'shop' },
      { unique_key: 'k' },
      { q: 'fifty%' },
      { q: 'me', type: 'once' },
      { created_after: middle },
      { created_before: middle },
      { domain: 'shop', status: 'failed', type: null },
      { domain: 'nowhere' },
    ]) {
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries(filter)) {
        for (const one of [value].flat()) if (one !== null) query.append(name, one);
      }
      const { total } = (await call('GET', `?${query}`)).json;
      const before = await statuses();
      const dry = await bulk('cancel', { ...filter, dry_run: true });
      assert.deepEqual(dry.json, { matched: total, changed: 0 }, String(query));
      assert.deepEqual(await statuses(), before);
    }
    const dry = await bulk('run', { domain: 'shop', dry_run: true });
    const real = await bulk('run', { domain: 'shop', dry_run: false });
    assert.deepEqual([dry.json.matched, real.json], [3, { matched: 3, changed: 3 }]);
  });

  it('is needed, unless all are meant', async () => {
    const ids = await oneInEachStatus();
    for (const body of [{}, { dry_run: true }, { all: false }, { all: null, q: null, status: null }]) {
      for (const verb of ['run', 'cancel'] as const) {
        const { status, json } = await bulk(verb, body);
        assert.deepEqual(
          [status, json.errors],
          [422, [{ pointer: '', detail: 'needs a filter, or all: true' }]],
        );
        assert.equal(json.detail, 'The body needs a filter, or all: true');
      }
    }
    assert.equal(Object.keys(await statuses()).length, ids.size);
    const all = await bulk('run', { all: true, dry_run: true, status: 'failed' });
    assert.deepEqual(all.json, { matched: 1, changed: 0 });
  });

  it('is 422 when there is anything wrong with it, so that nothing is meant by mistake', async () => {
    for (const [body, pointer] of [
      [{ satus: 'failed', all: true }, '/satus'],
      [{ limit: 1, all: true }, '/limit'],
      [{ status: 'done' }, '/status'],
      [{ status: [] }, '/status'],
      [{ status: ['failed', 1] }, '/status'],
      [{ type: '' }, '/type'],
      [{ q: '' }, '/q'],
      [{ q: 'a\0' }, '/q'],
      [{ type: '\ud800' }, '/type'],
      [{ domain: 1 }, '/domain'],
      [{ created_after: 'yesterday' }, '/created_after'],
      [{ all: 'yes' }, '/all'],
      [{ all: true, dry_run: 1 }, '/dry_run'],
      [null, ''],
      [[], ''],
    ] as const) {
      const { status, json } = await bulk('cancel', body);
      assert.deepEqual([status, json.errors?.[0]?.pointer], [422, pointer], JSON.stringify(body));
    }
  });

  it('is for operators', async () => {
    for (const verb of ['run', 'cancel'] as const) {
      const refused = await api.call(
        'POST',
        `/api/v1/tasks/${verb}`,
        { all: true },
        { authorization: 'Bearer v' },
      );
      assert.equal(refused.status, 403);
    }
  });
});
