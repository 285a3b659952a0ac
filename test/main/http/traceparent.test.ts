import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestApi, type TestApi } from '../../support/test-api.ts';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe("a caller's trace, without an SDK in this process", { concurrency: false }, () => {
  let api: TestApi;
  before(async () => {
    api = await startTestApi();
  });
  after(() => api.stop());

  it('is kept with the task, and not shown', async () => {
    const { json } = await submit(PARENT);
    assert.equal(await kept(json.id), PARENT);
    assert.ok(!('traceparent' in json));
    assert.ok(!('traceparent' in (await api.call('GET', `/api/v1/tasks/${json.id}`)).json));
  });

  it('is kept with every task of a batch', async () => {
    const tasks = [{ type: 'anything' }, { type: 'greet', params: { name: 'a' } }];
    const { json } = await api.call('POST', '/api/v1/tasks/batch', { tasks }, { traceparent: PARENT });
    for (const { id } of json.items) assert.equal(await kept(id), PARENT);
  });

  it('is ignored when it is garbage, and not missed', async () => {
    for (const header of ['garbage', `${PARENT}-more`, PARENT.replace(/b7ad\w+/, '0'.repeat(16))]) {
      const { status, json } = await submit(header);
      assert.deepEqual([status, await kept(json.id)], [201, null]);
    }
    assert.equal(await kept((await api.submit({ type: 'anything' })).id), null);
  });

  function submit(traceparent: string) {
    return api.call('POST', '/api/v1/tasks', { type: 'anything' }, { traceparent });
  }

  async function kept(id: string): Promise<string | null> {
    const { rows } = await api.database.query('select traceparent from tasks where id = $1', [id]);
    return rows[0].traceparent;
  }
});
