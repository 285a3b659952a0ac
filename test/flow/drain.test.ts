import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { FaultBench } from '../support/fault-bench.ts';
import type { Heddle } from '../support/heddle.ts';
import { waitFor } from '../support/wait-for.ts';

/* SIGTERM to an API process behind a load balancer, which does not notice at once. */

let bench: FaultBench;

before(async () => {
  bench = await FaultBench.open();
  await bench.runner(); // It publishes the task types.
});

afterEach(() => bench.query('truncate tasks cascade'));

after(() => bench.close());

test('for DRAIN_SECONDS its health is 503, and it takes every request', async () => {
  const api = bench.heddle('api', { DRAIN_SECONDS: '2' });
  const url = await ready(api);
  const waiting = submit(url, { prefer: 'wait=60' }, 'wait', { ms: 60_000 });
  await waitFor(
    'the task that is waited for',
    async () => (await bench.query("select from tasks where type = 'wait'")).rowCount === 1,
  );
  api.child.kill('SIGTERM');
  await waitFor('the drain', () => api.events('api_draining')[0]);
  const health = await fetch(`${url}/health`);
  const { status } = (await health.json()) as { status: string };
  assert.deepEqual([health.status, status], [503, 'draining']);
  assert.equal((await fetch(`${url}/health/live`)).status, 200);
  const late = await submit(url);
  assert.deepEqual([late.status, late.headers.get('connection')], [201, 'close']);
  assert.equal(await api.ended, 0);
  assert.equal((await waiting).status, 201, 'who waits is answered');
});

test('a second signal ends the drain', async () => {
  const api = bench.heddle('api', { DRAIN_SECONDS: '120' });
  await ready(api);
  api.child.kill('SIGTERM');
  await waitFor('the drain', () => api.events('api_draining')[0]);
  await sleep(700); // Two within half a second are one.
  assert.equal(await api.stop(), 0);
});

test('without DRAIN_SECONDS it ends at once', async () => {
  const api = bench.heddle('api');
  await ready(api);
  assert.equal(await api.stop(), 0);
  assert.deepEqual(api.events('api_draining'), []);
});

function submit(
  url: string,
  headers: Record<string, string> = {},
  type = 'no-op',
  params: unknown = {},
): Promise<Response> {
  return fetch(`${url}/api/v1/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ type, params }),
  });
}

async function ready(api: Heddle): Promise<string> {
  await waitFor('the API to be ready', () => api.events('api_ready')[0], 15_000);
  return String(api.events('api_listening')[0]?.url);
}
