import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestApi, type TestApi } from '../../support/test-api.ts';

const TOKENS = 'a:admin:0123456789abcdef,v:viewer:fedcba9876543210';
const AS_ADMIN = { authorization: 'Bearer 0123456789abcdef' };
const AS_VIEWER = { authorization: 'Bearer fedcba9876543210' };

describe('secret params', { concurrency: false }, () => {
  let api: TestApi;
  let id: string;
  before(async () => {
    api = await startTestApi({ env: { API_TOKENS: TOKENS } });
    await api.database.query("update task_types set payload_schema = $1 where name = 'anything'", [
      { type: 'object', properties: { key: { type: 'string', secret: true } } },
    ]);
    const submission = { type: 'anything', params: { key: 'hush-hush', open: 'yes' } };
    const { status, json } = await api.call('POST', '/api/v1/tasks', submission, AS_ADMIN);
    assert.deepEqual([status, json.params], [201, SHOWN]);
    id = json.id;
  });
  after(() => api.stop());

  const SHOWN = { key: '[secret]', open: 'yes' };

  it('are kept for the task, and shown to nobody', async () => {
    const { rows } = await api.database.query('select params from tasks where id = $1', [id]);
    assert.deepEqual(rows[0].params, { key: 'hush-hush', open: 'yes' });
    for (const headers of [AS_ADMIN, AS_VIEWER]) {
      assert.deepEqual((await api.call('GET', `/api/v1/tasks/${id}`, undefined, headers)).json.params, SHOWN);
      const { json } = await api.call('GET', '/api/v1/tasks', undefined, headers);
      assert.deepEqual(json.items[0].params, SHOWN);
    }
    const cancelled = await api.call('POST', `/api/v1/tasks/${id}/cancel`, undefined, AS_ADMIN);
    assert.deepEqual(cancelled.json.params, SHOWN);
    const tasks = [{ type: 'anything', params: { key: 'x' } }];
    const batch = await api.call('POST', '/api/v1/tasks/batch', { tasks }, AS_ADMIN);
    assert.deepEqual(batch.json.items[0].params, { key: '[secret]' });
  });

  it('cannot be found by a search either', async () => {
    await api.call('POST', '/api/v1/tasks', { type: 'greet', params: { name: 'hush-hush' } }, AS_ADMIN);
    const { json } = await api.call('GET', '/api/v1/tasks?q=hush', undefined, AS_VIEWER);
    assert.deepEqual(
      json.items.map(({ type }: { type: string }) => type),
      ['greet'],
    );
    // An empty text looks for nothing.
    assert.equal((await api.call('GET', '/api/v1/tasks?q=', undefined, AS_VIEWER)).json.total, 3);
  });
});
