import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { STATUSES, type Status } from '../../../../src/main/engine/task.ts';
import { putInto } from '../../../support/task-states.ts';
import { startTestApi, type TestApi } from '../../../support/test-api.ts';
import { waitFor } from '../../../support/wait-for.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi();
});
after(() => api?.stop());

const get = (path: string, headers?: Record<string, string>) =>
  api.call('GET', `/api/v1/tasks${path}`, undefined, headers);

async function taskIn(status: Status, more: object = {}): Promise<string> {
  const { id } = await api.submit({ type: 'anything', ...more });
  await putInto(api.database, id, status);
  return id;
}

describe('GET /tasks/{id}', () => {
  it('answers with the task, 404 when there is none', async () => {
    const task = await api.submit({ type: 'greet', params: { name: 'Ada' } });
    assert.deepEqual((await get(`/${task.id}`)).json, task);
    assert.deepEqual((await get(`/${task.id.toUpperCase()}`)).json, task);
    for (const id of [randomUUID(), 'nothing', '019', 'ffff', '%25%25%25%25', '____', `${task.id}0`]) {
      const { status, json } = await get(`/${id}`);
      assert.deepEqual([status, json.type], [404, '/problems/task-not-found']);
    }
  });

  it('takes a unique prefix or ending, 409 when it is ambiguous', async () => {
    await api.database.query(
      `insert into tasks (id, type) select id::uuid, 'greet' from unnest($1::text[]) as id`,
      [
        [
          'abcd1234-0000-7000-8000-00000000fade',
          'abcd1235-0000-7000-8000-0000000abcd1',
          'beef0000-0000-7000-8000-00000001fade',
          'cafe0000-0000-7000-8000-0123456789ab',
          'cafe0001-0000-7000-8000-0123456789ab',
        ],
      ],
    );
    const found = async (id: string) => {
      const { status, json } = await get(`/${id}`);
      return status === 200 ? json.id : status;
    };
    assert.equal(await found('abcd1234'), 'abcd1234-0000-7000-8000-00000000fade');
    assert.equal(await found('abcd1234-00'), 'abcd1234-0000-7000-8000-00000000fade');
    assert.equal(await found('beef'), 'beef0000-0000-7000-8000-00000001fade');
    assert.equal(await found('0fade'), 'abcd1234-0000-7000-8000-00000000fade');
    assert.equal(await found('8000-00000001FADE'), 'beef0000-0000-7000-8000-00000001fade');
    assert.equal(await found('abcd123'), 409);
    assert.equal(await found('fade'), 409);
    assert.equal(await found('00000001fade'), 'beef0000-0000-7000-8000-00000001fade');
    assert.equal(await found('0123456789ab'), 409, 'however long');
    assert.equal(await found('abcd1'), 409, 'the prefix of one and the ending of another');
    assert.equal((await get('/fade')).json.type, '/problems/ambiguous-id');
    assert.equal((await api.call('POST', '/api/v1/tasks/fade/cancel')).status, 409);
    assert.equal((await api.call('POST', '/api/v1/tasks/beef/cancel')).json.status, 'cancelled');
  });

  it('waits for the end when asked to, not when it has ended', async () => {
    const id = await taskIn('running');
    const answer = get(`/${id}`, { prefer: 'wait=30' });
    await putInto(api.database, id, 'failed');
    const { headers, json } = await answer;
    assert.deepEqual(
      [json.status, json.error, headers.get('preference-applied')],
      ['failed', 'no luck', 'wait'],
    );
    assert.equal((await get(`/${id}`, { prefer: 'wait=30' })).json.status, 'failed');
    assert.equal((await get(`/${await taskIn('running')}`, { prefer: 'wait=0' })).json.status, 'running');
  });

  it('ends a wait for a task that is deleted with 404', async () => {
    const id = await taskIn('queued');
    const answer = get(`/${id}`, { prefer: 'wait=30' });
    await api.database.query('delete from tasks where id = $1', [id]);
    assert.equal((await answer).status, 404);
  });

  it('answers /status with the status alone', async () => {
    const id = await taskIn('failed');
    const { json } = await get(`/${id}/status`);
    assert.deepEqual(Object.keys(json), ['id', 'status', 'updated_at', 'error']);
    assert.deepEqual([json.id, json.status, json.error], [id, 'failed', 'no luck']);
    assert.equal((await get(`/${randomUUID()}/status`)).status, 404);
  });
});

describe('POST /tasks/{id}/run', () => {
  const run = (id: string) => api.call('POST', `/api/v1/tasks/${id}/run`);

  for (const status of ['created', 'failed', 'cancelled', 'queued'] as const) {
    it(`queues a ${status} task, due now`, async () => {
      const id = await taskIn(status);
      const { status: code, json } = await run(id);
      assert.deepEqual(
        [code, json.status, json.run_at, json.finished_at],
        [200, 'queued', json.updated_at, null],
      );
      // One that waits for its retry keeps its error, others begin anew.
      assert.equal(json.error, status === 'queued' ? 'the last one' : null);
    });
  }

  for (const status of ['running', 'completed'] as const) {
    it(`leaves a ${status} task as it is`, async () => {
      const id = await taskIn(status);
      const before = (await get(`/${id}`)).json;
      assert.deepEqual((await run(id)).json, before);
    });
  }

  it('gives a failed task its retries anew, and attempt numbers go on', async () => {
    const id = await taskIn('failed');
    assert.equal((await run(id)).json.attempt, 1);
    const { rows } = await api.database.query('select attempts_forgiven from tasks where id = $1', [id]);
    assert.deepEqual(rows, [{ attempts_forgiven: 1 }]);
  });

  it('is 409 while another task does the same work', async () => {
    const id = await taskIn('failed', { unique_key: 'one at a time' });
    const other = await api.submit({ type: 'anything', unique_key: 'one at a time' });
    assert.notEqual(other.id, id);
    const { status, json } = await run(id);
    assert.deepEqual([status, json.type], [409, '/problems/same-work']);
    assert.equal((await get(`/${id}`)).json.status, 'failed');
  });

  it('is 404 for no task', async () => {
    assert.equal((await run(randomUUID())).status, 404);
  });
});

describe('POST /tasks/{id}/cancel', () => {
  const cancel = (id: string) => api.call('POST', `/api/v1/tasks/${id}/cancel`);

  for (const status of ['created', 'queued'] as const) {
    it(`ends a ${status} task`, async () => {
      const { status: code, json } = await cancel(await taskIn(status));
      assert.deepEqual([code, json.status, json.error], [200, 'cancelled', 'cancelled by api:anonymous']);
      assert.equal(json.finished_at, json.updated_at);
    });
  }

  it('asks for the end of a running task, and tells its runner once', async () => {
    const client = await api.database.connect();
    try {
      const payloads: (string | undefined)[] = [];
      client.on('notification', ({ payload }) => payloads.push(payload));
      await client.query('listen heddle_cancel');
      const id = await taskIn('running');
      const first = await cancel(id);
      assert.deepEqual([first.status, first.json.status], [200, 'running']);
      assert.equal(typeof first.json.cancel_requested_at, 'string');
      assert.deepEqual((await cancel(id)).json, first.json);
      const other = await taskIn('running');
      await cancel(other);
      await waitFor('the notifications', () => payloads.length === 2);
      assert.deepEqual(payloads, [id, other]);
    } finally {
      client.release(true);
    }
  });

  for (const status of ['completed', 'failed', 'cancelled'] as const) {
    it(`leaves a ${status} task as it is`, async () => {
      const id = await taskIn(status);
      const before = (await get(`/${id}`)).json;
      const { status: code, json } = await cancel(id);
      assert.deepEqual([code, json], [200, before]);
    });
  }
});

describe('DELETE /tasks/{id}', () => {
  for (const status of STATUSES) {
    const isFinished = ['completed', 'failed', 'cancelled'].includes(status);
    it(`${isFinished ? 'deletes' : 'is 409 for'} a ${status} task`, async () => {
      const id = await taskIn(status);
      const { status: code, json } = await api.call('DELETE', `/api/v1/tasks/${id.slice(20)}`);
      if (isFinished) assert.deepEqual([code, json], [200, { deleted: id }]);
      else assert.deepEqual([code, json.type], [409, '/problems/task-not-finished']);
      assert.equal((await get(`/${id}`)).status, isFinished ? 404 : 200);
    });
  }

  it('is 404 for no task', async () => {
    assert.equal((await api.call('DELETE', `/api/v1/tasks/${randomUUID()}`)).status, 404);
  });
});
