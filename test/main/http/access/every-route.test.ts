import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { DocumentedOperation } from '../../../../src/main/http/contract/openapi.ts';
import { type Answer, startTestApi, type TestApi } from '../../../support/test-api.ts';

/* Walks every operation of the API's document: what is added later is walked, too. */

const TOKENS = { viewer: 'v-secret', operator: 'o-secret', admin: 'a-secret' } as const;
const ROLES = Object.keys(TOKENS) as (keyof typeof TOKENS)[];
const OPEN = ['GET /health', 'GET /health/live', 'GET /readyz'];

interface Route {
  method: string;
  path: string;
  operation: DocumentedOperation;
}

let api: TestApi;
let routes: Route[];
before(async () => {
  const tokens = ROLES.map((role) => `${role[0]}:${role}:${TOKENS[role]}`);
  api = await startTestApi({ env: { API_TOKENS: tokens.join() } });
  routes = Object.entries(api.contract.document.paths).flatMap(([template, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path: template.replace('{id}', NOBODY).replace(/\{\w+\}/g, 'nothing'),
      operation,
    })),
  );
});
after(() => api?.stop());

const NOBODY = '01990000-0000-7000-8000-000000000000';

/** Without a body: who is let in is refused for that, at the most. */
function ask({ method, path }: Route, token?: string): Promise<Answer> {
  return api.call(method, path, undefined, token === undefined ? {} : { authorization: `Bearer ${token}` });
}

function what({ method, path }: Route): string {
  return `${method} ${path}`;
}

describe('every operation', () => {
  it('is open to everybody when it tells of health, and else to nobody without a right token', async () => {
    assert.ok(routes.length > 20);
    for (const route of routes) {
      const isOpen = OPEN.includes(what(route));
      assert.equal(route.operation['x-role'] === 'anybody', isOpen, what(route));
      for (const token of [undefined, 'wrong', '']) {
        const { status, headers, json } = await ask(route, token);
        if (isOpen) assert.equal(status, 200, what(route));
        else {
          assert.equal(status, 401, what(route));
          assert.equal(headers.get('www-authenticate'), 'Bearer');
          assert.equal(json.type, '/problems/unauthenticated');
        }
      }
    }
  });

  it('is refused to the roles below its own, and to no other', async () => {
    for (const route of routes) {
      const needed = ROLES.indexOf(route.operation['x-role'] as (typeof ROLES)[number]);
      for (const [rank, role] of ROLES.entries()) {
        const { status, json } = await ask(route, TOKENS[role]);
        if (rank < needed) {
          assert.deepEqual([status, json.type], [403, '/problems/forbidden'], `${what(route)} as ${role}`);
        } else assert.ok(status !== 401 && status !== 403, `${what(route)} as ${role}: ${status}`);
      }
    }
  });

  it('that changes something is not for viewers', () => {
    for (const { method, operation } of routes) {
      if (method !== 'GET') assert.match(operation['x-role'], /^(operator|admin)$/, operation.operationId);
    }
  });

  it('asks for a token by HEAD, too, and before it says that a method is not known', async () => {
    for (const route of routes.filter((each) => !OPEN.includes(what(each)))) {
      assert.equal((await ask({ ...route, method: 'HEAD' })).status, 401, what(route));
      assert.equal((await ask({ ...route, method: 'PUT' })).status, 401, what(route));
    }
  });

  it('has an answer with a request id and security headers, whatever the answer is', async () => {
    for (const route of routes) {
      for (const token of [undefined, TOKENS.admin]) {
        const { headers } = await ask(route, token);
        assert.match(headers.get('x-request-id') ?? '', /^[\w-]{36}$/, what(route));
        assert.equal(headers.get('x-content-type-options'), 'nosniff', what(route));
        assert.equal(headers.get('referrer-policy'), 'no-referrer', what(route));
        assert.equal(headers.get('cross-origin-resource-policy'), 'same-origin', what(route));
        assert.equal(headers.get('x-frame-options'), 'DENY', what(route));
        assert.match(
          headers.get('content-security-policy') ?? '',
          /^default-src 'none';.*frame-ancestors 'none'$/,
          what(route),
        );
        if (!route.path.startsWith('/docs'))
          assert.equal(headers.get('cache-control'), 'no-store', what(route));
      }
    }
  });
});

describe('what is no operation', () => {
  it('is not told apart from one without a token', async () => {
    for (const path of [
      '/nothing',
      '/api/v1/nothing',
      '/metrics',
      '/docs/nothing',
      '/health/',
      '/docs//start.js',
    ]) {
      assert.equal((await api.call('GET', path)).status, 401, path);
    }
  });

  it('is told with one', async () => {
    const { status } = await api.call('GET', '/nothing', undefined, { authorization: 'Bearer v-secret' });
    assert.equal(status, 404);
  });

  it('the page for people is open, and has its own strict rules', async () => {
    const { status, headers } = await api.call('GET', '/');
    assert.equal(status, 200);
    assert.match(
      headers.get('content-security-policy') ?? '',
      /^default-src 'none'; style-src 'sha256-[^']+'; /,
    );
    assert.equal(headers.get('x-frame-options'), 'DENY');
  });
});

describe('a request id', () => {
  const idOf = async (given: string) =>
    (await api.call('GET', '/health/live', undefined, { 'x-request-id': given })).headers.get('x-request-id');

  it("is the caller's, if that is a sane one", async () => {
    for (const id of ['a', 'order-7.retry_2', 'x'.repeat(128)]) assert.equal(await idOf(id), id);
    for (const id of ['', 'x'.repeat(129), 'a b', 'a"b', '{"a":1}', 'é']) {
      assert.match((await idOf(id)) ?? '', /^[\da-f-]{36}$/);
    }
  });
});
