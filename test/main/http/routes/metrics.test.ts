import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { lintMetrics, type Sample, sampleOf } from '../../../support/lint-metrics.ts';
import { putInto } from '../../../support/task-states.ts';
import { startTestApi, type TestApi } from '../../../support/test-api.ts';
import { waitFor } from '../../../support/wait-for.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi();
});
after(() => api?.stop());

async function scrape(): Promise<Sample[]> {
  const { status, headers, json } = await api.call('GET', '/metrics');
  assert.equal(status, 200);
  assert.equal(headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  return lintMetrics(json);
}

describe('GET /metrics of an API', () => {
  it('tells in Prometheus’ words how things stand', async () => {
    const tasks = [{ type: 'anything' }, { type: 'greet', params: { name: 'x' } }, { type: 'anything' }];
    const { items } = (await api.call('POST', '/api/v1/tasks/batch', { tasks })).json;
    await putInto(api.database, items[2].id, 'queued');
    await api.submit({ type: 'once', params: { n: 1 } });
    await api.submit({ type: 'once', params: { n: 1 } });
    await api.database.query(`insert into tasks (type, status) values ('of nobody', 'queued')`);
    const samples = await waitFor('fresh figures', async () => {
      const now = await scrape();
      const isThere = sampleOf(now, 'heddle_dead_tuples') !== undefined; // Else it took too long.
      return isThere && sampleOf(now, 'heddle_queue_ready', { type: 'other' }) === 1 ? now : null;
    });
    const of = (name: string, labels?: Record<string, string>) => sampleOf(samples, name, labels);
    assert.equal(of('heddle_tasks', { status: 'queued' }), 5);
    assert.equal(of('heddle_tasks', { status: 'failed' }), 0);
    assert.equal(of('heddle_queue_ready', { type: 'anything' }), 1);
    assert.equal(of('heddle_queue_scheduled', { type: 'anything' }), 1);
    assert.equal(of('heddle_queue_ready', { type: 'once' }), 1);
    assert.equal(of('heddle_queue_ready', { type: 'tick' }), 0);
    const age = of('heddle_queue_type_oldest_ready_age_seconds', { type: 'anything' }) as number;
    assert.ok(age > 0 && (of('heddle_queue_oldest_ready_age_seconds') as number) >= age);
    assert.equal(of('heddle_runners', { status: 'active' }), 0);
    assert.equal(of('heddle_submitted_total', { type: 'anything' }), 2);
    // The second one was there already.
    assert.equal(of('heddle_submitted_total', { type: 'once' }), 1);
    assert.ok((of('heddle_oldest_transaction_age_seconds') as number) >= 0);
    assert.ok((of('heddle_dead_tuples') as number) >= 0);
    for (const state of ['busy', 'idle', 'waiting']) {
      assert.ok((of('heddle_database_pool', { state }) as number) >= 0);
    }
    assert.ok((of('process_resident_memory_bytes') as number) > 0);
  });

  it('measures requests by the pattern of their route, whatever their path', async () => {
    const { id } = await api.submit({ type: 'anything' });
    await api.call('GET', `/api/v1/tasks/${id}`);
    await api.call('GET', '/api/v1/tasks/nobody');
    await api.call('GET', '/made/up/by/somebody');
    await api.call('GET', '/api/v1/made-up');
    await api.call('DELETE', '/api/v1/tasks');
    const samples = await scrape();
    const count = (method: string, route: string, status: number) =>
      sampleOf(samples, 'heddle_http_request_duration_seconds_count', {
        method,
        route,
        status: String(status),
      });
    assert.equal(count('GET', '/api/v1/tasks/{id}', 200), 1);
    assert.equal(count('GET', '/api/v1/tasks/{id}', 404), 1);
    assert.equal(count('GET', 'other', 404), 2);
    assert.equal(count('DELETE', '/api/v1/tasks', 405), 1);
    assert.ok((count('POST', '/api/v1/tasks', 201) as number) >= 1);
  });
});

it('needs a viewer where tokens are set', async () => {
  const guarded = await startTestApi({
    env: { API_TOKENS: 'eye:viewer:look-look-look,root:admin:all-all-all' },
  });
  try {
    const status = async (headers?: Record<string, string>) =>
      (await guarded.call('GET', '/metrics', undefined, headers)).status;
    assert.equal(await status(), 401);
    assert.equal(await status({ authorization: 'Bearer look-look-look' }), 200);
  } finally {
    await guarded.stop();
  }
});

it('answers without the figures of the database while that is away', async () => {
  const lonely = await startTestApi();
  await lonely.call('GET', '/health');
  await lonely.stop();
  const { status, json } = await lonely.call('GET', '/metrics');
  assert.equal(status, 200);
  const samples = lintMetrics(json);
  assert.ok((sampleOf(samples, 'process_resident_memory_bytes') as number) > 0);
  for (const name of ['heddle_tasks', 'heddle_queue_oldest_ready_age_seconds', 'heddle_dead_tuples']) {
    assert.equal(sampleOf(samples, name), undefined);
  }
});
