import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { startTestApi, type TestApi } from '../../../support/test-api.ts';

const started: TestApi[] = [];
after(async () => {
  for (const api of started) await api.stop();
});

async function start(env: NodeJS.ProcessEnv = {}): Promise<TestApi> {
  const api = await startTestApi({ env });
  started.push(api);
  return api;
}

const SUBMISSION = { type: 'anything' };
const FRIEND = 'https://friend.example';
const FOE = 'https://foe.example';

describe('what a page lets a browser send', () => {
  const cases: [why: string, headers: Record<string, string>, status: number][] = [
    ['no browser', {}, 201],
    ['a page of its own', { 'sec-fetch-site': 'same-origin', origin: 'http://localhost:8000' }, 201],
    ['a person at the address bar', { 'sec-fetch-site': 'none' }, 201],
    ['another site', { 'sec-fetch-site': 'cross-site', origin: FOE }, 403],
    ['another site that names nobody', { 'sec-fetch-site': 'cross-site' }, 403],
    ['a page in a sandbox', { 'sec-fetch-site': 'cross-site', origin: 'null' }, 403],
    ['a neighbour', { 'sec-fetch-site': 'same-site', origin: 'http://localhost:3000' }, 403],
    ['a browser of the future', { 'sec-fetch-site': 'unheard-of' }, 403],
    ['another site that is allowed', { 'sec-fetch-site': 'cross-site', origin: FRIEND }, 201],
    ['an old browser at a page of its own', { origin: 'http://localhost:8000', host: 'localhost:8000' }, 201],
    ['the same behind TLS', { origin: 'https://localhost', host: 'localhost' }, 201],
    ['an old browser at another site', { origin: FOE, host: 'localhost:8000' }, 403],
    ['an old browser at another port', { origin: 'http://localhost:3000', host: 'localhost:8000' }, 403],
    ['an old browser in a sandbox', { origin: 'null', host: 'localhost:8000' }, 403],
    ['an old browser at an allowed site', { origin: FRIEND, host: 'localhost:8000' }, 201],
  ];
  for (const [why, headers, status] of cases) {
    it(`is ${status === 403 ? 'refused' : 'done'}: ${why}`, async () => {
      const api = started[0] ?? (await start({ CORS_ORIGINS: FRIEND }));
      const answer = await api.call('POST', '/api/v1/tasks', SUBMISSION, headers);
      assert.equal(answer.status, status);
      if (status !== 403) return;
      assert.equal(answer.json.type, '/problems/foreign-page');
      assert.match(answer.json.detail, /CORS_ORIGINS/);
      const read = await api.call('GET', '/api/v1/tasks', undefined, headers);
      assert.equal(read.status, 200, 'reading changes nothing');
      assert.equal(
        read.headers.get('access-control-allow-origin'),
        null,
        'and the page is not shown the answer',
      );
    });
  }

  it('is refused also with a token, and for every method that changes something', async () => {
    const api = await start({ API_TOKENS: 'anna:admin:a-secret' });
    const headers = { authorization: 'Bearer a-secret', 'sec-fetch-site': 'cross-site' };
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'TEAPOT']) {
      assert.equal((await api.call(method, '/api/v1/tasks/0199', undefined, headers)).status, 403, method);
    }
  });
});

describe('the name by which the API is called', () => {
  const asked = (api: TestApi, host: string) => api.call('GET', '/api/v1/tasks', undefined, { host });

  it('must be one of this machine when there are no tokens', async () => {
    const api = await start();
    for (const host of [
      'localhost',
      'LocalHost:8000',
      'heddle.localhost',
      '127.0.0.1:80',
      '[::1]:80',
      '10.0.0.1',
    ]) {
      assert.equal((await asked(api, host)).status, 200, host);
    }
    for (const host of [
      'foe.example',
      'localhost.foe.example:8000',
      'notlocalhost',
      '127.0.0.1.foe.example',
    ]) {
      const { status, json } = await asked(api, host);
      assert.deepEqual([status, json.type], [403, '/problems/foreign-name'], host);
      assert.match(json.detail, /Set API_TOKENS, or API_AUTH=none/);
    }
  });

  it('may be any when there are, or when everybody may come in', async () => {
    const headers = { host: 'heddle.example', authorization: 'Bearer a-secret' };
    for (const env of [{ API_TOKENS: 'anna:admin:a-secret' }, { API_AUTH: 'none' }]) {
      const api = await start(env);
      assert.equal((await api.call('GET', '/api/v1/tasks', undefined, headers)).status, 200);
    }
  });
});

describe('CORS_ORIGINS', () => {
  const preflight = (origin: string, method = 'POST') => ({
    origin,
    'access-control-request-method': method,
    'access-control-request-headers': 'authorization,content-type',
  });

  it('lets these origins ask before they have a token', async () => {
    const api = await start({
      CORS_ORIGINS: `${FRIEND}, http://localhost:3000`,
      API_TOKENS: 'a:admin:a-secret',
    });
    const { status, headers } = await api.call('OPTIONS', '/api/v1/tasks', undefined, preflight(FRIEND));
    assert.equal(status, 204);
    assert.equal(headers.get('access-control-allow-origin'), FRIEND);
    assert.equal(headers.get('vary'), 'Origin');
    assert.match(headers.get('access-control-allow-methods') ?? '', /POST.*PATCH.*DELETE/);
    assert.match(headers.get('access-control-allow-headers') ?? '', /Authorization.*Idempotency-Key.*Prefer/);
    assert.equal(headers.get('access-control-allow-credentials'), null);
  });

  it('shows these origins answers and what is in their headers, also that of a refusal', async () => {
    const api = await start({ CORS_ORIGINS: FRIEND, API_TOKENS: 'a:admin:a-secret' });
    const authorized = { authorization: 'Bearer a-secret', origin: FRIEND, 'sec-fetch-site': 'cross-site' };
    const submitted = await api.call('POST', '/api/v1/tasks', SUBMISSION, authorized);
    const refused = await api.call('GET', '/api/v1/tasks', undefined, { origin: FRIEND });
    assert.deepEqual([submitted.status, refused.status], [201, 401]);
    for (const { headers } of [submitted, refused]) {
      assert.equal(headers.get('access-control-allow-origin'), FRIEND);
      assert.equal(headers.get('vary'), 'Origin');
      assert.match(
        headers.get('access-control-expose-headers') ?? '',
        /Location.*RateLimit.*Retry-After.*X-Request-Id/,
      );
    }
  });

  it('leaves out everybody else', async () => {
    const api = await start({ CORS_ORIGINS: FRIEND, API_TOKENS: 'a:admin:a-secret' });
    for (const origin of [FOE, `${FRIEND}.foe.example`, FRIEND.replace('https', 'http'), 'null']) {
      const { status, headers } = await api.call('OPTIONS', '/api/v1/tasks', undefined, preflight(origin));
      assert.equal(status, 401);
      assert.equal(headers.get('access-control-allow-origin'), null);
      assert.equal(headers.get('vary'), 'Origin', 'a cache must not give this to a friend');
    }
  });

  it('may be everybody', async () => {
    const api = await start({ CORS_ORIGINS: '*', API_TOKENS: 'a:admin:a-secret' });
    const headers = { authorization: 'Bearer a-secret', origin: FOE, 'sec-fetch-site': 'cross-site' };
    const answer = await api.call('POST', '/api/v1/tasks', SUBMISSION, headers);
    assert.deepEqual([answer.status, answer.headers.get('access-control-allow-origin')], [201, '*']);
    assert.equal((await api.call('OPTIONS', '/api/v1/tasks', undefined, preflight(FOE))).status, 204);
  });

  it('is nobody unless it is set', async () => {
    const api = await start();
    const { status, headers } = await api.call('OPTIONS', '/api/v1/tasks', undefined, preflight(FRIEND));
    assert.deepEqual([status, headers.get('access-control-allow-origin')], [405, null]);
  });

  it('leaves pages their own rules', async () => {
    const api = await start({ CORS_ORIGINS: FRIEND });
    const { headers } = await api.call('GET', '/docs', undefined, { origin: FRIEND });
    assert.match(headers.get('content-security-policy') ?? '', /script-src 'self'/);
  });
});
