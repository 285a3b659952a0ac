import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { putInto } from '../../../support/task-states.ts';
import { startTestApi, type TestApi } from '../../../support/test-api.ts';

const TOKENS = 'vera:viewer:v-secret,otto:operator:o-secret,anna:admin:a-secret';

let api: TestApi;
before(async () => {
  api = await startTestApi({ env: { API_TOKENS: TOKENS } });
});
after(() => api?.stop());

const as = (token: string) => ({ authorization: `Bearer ${token}` });
const SUBMISSION = { type: 'anything' };

describe('with tokens', () => {
  it('an answer is 401 without one of them, and asks for one', async () => {
    const headers = [
      {},
      { authorization: 'Bearer' },
      { authorization: 'Bearer wrong' },
      { authorization: 'Bearer o-secret2' },
      { authorization: 'Basic o-secret' },
      { authorization: 'o-secret' },
    ];
    for (const header of headers) {
      const { status, headers, json } = await api.call('GET', '/api/v1/tasks', undefined, header);
      assert.deepEqual([status, json.type], [401, '/problems/unauthenticated']);
      assert.equal(headers.get('www-authenticate'), 'Bearer');
      assert.doesNotMatch(JSON.stringify(json), /secret/);
    }
    assert.equal((await api.call('POST', '/api/v1/tasks', SUBMISSION)).status, 401);
    assert.equal((await api.call('GET', '/api/v1/nothing')).status, 401);
  });

  it('health and the start page need none', async () => {
    for (const path of ['/health', '/health/live', '/readyz', '/']) {
      assert.equal((await api.call('GET', path)).status, 200);
    }
  });

  it('the scheme may be written in any case', async () => {
    const header = { authorization: 'bearer v-secret' };
    assert.equal((await api.call('GET', '/api/v1/tasks', undefined, header)).status, 200);
  });

  it('the page of the API may be opened with a token as the password that a browser asks for', async () => {
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
    for (const path of ['/docs', '/docs/swagger-ui.css', '/openapi.json']) {
      const stranger = await api.call('GET', path, undefined, { accept: 'text/html,*/*;q=0.8' });
      assert.equal(stranger.status, 401);
      assert.match(stranger.headers.get('www-authenticate') ?? '', /^Bearer, Basic realm="Heddle"/);
      assert.equal((await api.call('GET', path, undefined, basic('anyone:v-secret'))).status, 200);
      assert.equal((await api.call('GET', path, undefined, basic('anyone:wrong'))).status, 401);
      assert.equal((await api.call('GET', path, undefined, basic('v-secret'))).status, 401);
    }
    const elsewhere = await api.call('GET', '/api/v1/tasks', undefined, basic('anyone:v-secret'));
    assert.equal(elsewhere.status, 401, 'a browser would send it along for any page');
  });

  it('each role may do what it may, and nothing more', async () => {
    const { json: task } = await api.call('POST', '/api/v1/tasks', SUBMISSION, as('o-secret'));
    const path = `/api/v1/tasks/${task.id}`;
    await putInto(api.database, task.id, 'completed');
    const calls: [
      method: string,
      path: string,
      body: object | undefined,
      viewer: number,
      operator: number,
    ][] = [
      ['GET', '/api/v1/tasks', undefined, 200, 200],
      ['HEAD', '/api/v1/tasks', undefined, 200, 200],
      ['GET', path, undefined, 200, 200],
      ['GET', `${path}/events`, undefined, 200, 200],
      ['GET', '/api/v1/task-types', undefined, 200, 200],
      ['GET', '/api/v1/periodic-tasks', undefined, 200, 200],
      ['GET', '/api/v1/runners', undefined, 200, 200],
      ['POST', '/api/v1/tasks', SUBMISSION, 403, 201],
      ['POST', '/api/v1/tasks/batch', { tasks: [SUBMISSION] }, 403, 201],
      ['POST', `${path}/run`, undefined, 403, 200],
      ['POST', `${path}/cancel`, undefined, 403, 200],
      ['POST', '/api/v1/periodic-tasks/tick/run', undefined, 403, 200],
      ['POST', '/api/v1/periodic-tasks/tick/pause', undefined, 403, 200],
      ['POST', '/api/v1/periodic-tasks/tick/resume', undefined, 403, 200],
      ['DELETE', path, undefined, 403, 403],
    ];
    for (const [method, address, body, viewer, operator] of calls) {
      const what = `${method} ${address}`;
      assert.equal(
        (await api.call(method, address, body, as('v-secret'))).status,
        viewer,
        `${what} as viewer`,
      );
      assert.equal(
        (await api.call(method, address, body, as('o-secret'))).status,
        operator,
        `${what} as operator`,
      );
    }
    assert.equal((await api.call('POST', '/api/v1/tasks', SUBMISSION, as('a-secret'))).status, 201);
    assert.equal((await api.call('DELETE', path, undefined, as('a-secret'))).status, 200);
  });

  it('what is done is kept with the name of the token', async () => {
    const { json: task } = await api.call('POST', '/api/v1/tasks', SUBMISSION, as('o-secret'));
    const path = `/api/v1/tasks/${task.id}`;
    const { json } = await api.call('POST', `${path}/cancel`, undefined, as('a-secret'));
    assert.equal(json.error, 'cancelled by api:anna');
    const { json: events } = await api.call('GET', `${path}/events`, undefined, as('v-secret'));
    assert.deepEqual(
      events.items.map((event: { actor: string }) => event.actor),
      ['api:otto', 'api:anna'],
    );
  });
});
