import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { type Answer, startTestApi, type TestApi } from '../../../support/test-api.ts';

const started: TestApi[] = [];
after(async () => {
  for (const api of started) await api.stop();
});

async function start(env: NodeJS.ProcessEnv): Promise<TestApi> {
  const api = await startTestApi({ env });
  started.push(api);
  return api;
}

const limits = ({ headers }: Answer) =>
  ['ratelimit-policy', 'ratelimit', 'ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'].map((name) =>
    headers.get(name),
  );

describe('RATE_LIMIT', () => {
  it('lets so many requests through, says how many are left, and when there are more', async () => {
    // One of them goes for the API's document, which the test support asks for.
    const api = await start({ RATE_LIMIT: '4/60' });
    for (const left of [2, 1, 0]) {
      const answer = await api.call('GET', left === 1 ? '/api/v1/nothing' : '/api/v1/tasks');
      assert.equal(answer.status, left === 1 ? 404 : 200);
      const reset = answer.headers.get('ratelimit-reset') ?? '';
      // What the requests themselves have taken is back already.
      assert.ok(Number(reset) <= 60 - left * 15 && Number(reset) > 50 - left * 15, reset);
      assert.deepEqual(limits(answer), [
        '"default";q=4;w=60',
        `"default";r=${left};t=${reset}`,
        '4',
        String(left),
        reset,
      ]);
    }
    const { status, json, headers } = await api.call('GET', '/api/v1/tasks');
    assert.deepEqual([status, json.type], [429, '/problems/rate-limited']);
    const wait = Number(headers.get('retry-after'));
    assert.ok(wait <= 15 && wait > 5);
    assert.equal(headers.get('ratelimit-remaining'), '0');
    assert.equal(json.detail, `At most 4 requests in 60 s are answered; the next one in ${wait} s.`);
  });

  it('does not limit health', async () => {
    const api = await start({ RATE_LIMIT: '1/3600' });
    for (let n = 0; n < 5; n++) {
      for (const path of ['/health', '/health/live', '/readyz']) {
        const answer = await api.call('GET', path);
        assert.equal(answer.status, 200);
        assert.deepEqual(new Set(limits(answer)), new Set([null]));
      }
    }
    assert.equal((await api.call('GET', '/')).status, 429);
  });

  it('is for each token, and for strangers together', async () => {
    const api = await start({ RATE_LIMIT: '2/3600', API_TOKENS: 'anna:admin:a-secret,vera:viewer:v-secret' });
    const statuses = async (times: number, headers?: Record<string, string>, path = '/api/v1/tasks') => {
      const found = [];
      for (let n = 0; n < times; n++) found.push((await api.call('GET', path, undefined, headers)).status);
      return found;
    };
    assert.deepEqual(await statuses(3, { authorization: 'Bearer v-secret' }), [200, 200, 429]);
    assert.deepEqual(await statuses(2, { authorization: 'Bearer a-secret' }), [200, 429]);
    assert.deepEqual(await statuses(3, {}, '/'), [200, 200, 429]);
    assert.deepEqual(await statuses(3, {}), [401, 401, 401], 'which has a limit of its own');
  });

  it('is off unless it is set', async () => {
    const api = await start({});
    assert.deepEqual(new Set(limits(await api.call('GET', '/api/v1/tasks'))), new Set([null]));
  });
});
