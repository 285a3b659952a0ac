import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { startTestApi, type TestApi } from '../../../support/test-api.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi();
});
after(() => api?.stop());

describe('/openapi.json', () => {
  it('is OpenAPI 3.1', async () => {
    const validator = new Validator();
    assert.deepEqual(await validator.validate({ ...structuredClone(api.contract.document) }), {
      valid: true,
    });
    assert.equal(validator.version, '3.1');
  });

  it('gives every operation an id of its own, a summary and a role', () => {
    const operations = Object.values(api.contract.document.paths).flatMap((path) => Object.values(path));
    const ids = operations.map(({ operationId }) => operationId);
    assert.deepEqual(new Set(ids).size, ids.length);
    assert.ok(ids.includes('submitTask'));
    for (const { operationId, summary, ...operation } of operations) {
      assert.match(summary, /^[A-Z].+[^.]$/, operationId);
      assert.match(operation['x-role'], /^(viewer|operator|admin|anybody)$/, operationId);
    }
  });

  it('refers to nothing that it does not hold', () => {
    const { document } = api.contract;
    const names = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(
      ([, name]) => name,
    );
    assert.ok(names.includes('Task'));
    for (const name of names) assert.ok(document.components.schemas[name as string], name);
    assert.doesNotMatch(JSON.stringify(document), /\$defs|__schema/);
  });

  it('says of a body what the check of it says', () => {
    const { document, validator } = { ...api.contract, validator: api.contract.validator.bind(api.contract) };
    const body = document.paths['/api/v1/tasks']?.post?.requestBody?.content['application/json'];
    const isValid = validator(body?.schema as object);
    assert.ok(isValid({ type: 'anything', params: { a: 1 }, priority: 5, run_at: null }));
    assert.ok(!isValid({ params: {} }), 'type is missing');
    assert.ok(!isValid({ type: 'anything', priority: 101 }));
    assert.ok(!isValid({ type: 'anything', unknown: 1 }));
  });
});

describe('/docs', () => {
  it('is a page that loads nothing from elsewhere, and nothing inline', async () => {
    const { status, headers, json: page } = await api.call('GET', '/docs');
    assert.equal(status, 200);
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/);
    assert.doesNotMatch(headers.get('content-security-policy') ?? '', /unsafe|https?:/);
    const addresses = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address as string);
    assert.ok(addresses.length >= 4);
    for (const address of addresses) {
      assert.equal((await api.call('GET', address)).status, 200, address);
      assert.match(address, /^\/docs\//);
    }
    assert.doesNotMatch(page, /<script>|style=/);
  });

  it('has no other files', async () => {
    for (const name of ['LICENSE', '..%2f..%2fpackage.json', 'swagger-ui-bundle.js.map', '__proto__'])
      assert.equal((await api.call('GET', `/docs/${name}`)).status, 404, name);
  });
});

describe('what answers are held against', () => {
  it('refuses a status, a media type and a field that are not promised', () => {
    const json = new Headers({ 'content-type': 'application/json' });
    const liveness = { status: 'ok', version: '1' };
    const check = (status: number, headers: Headers, content: unknown) => () =>
      api.contract.check('GET', '/health/live', { status, headers, content });
    assert.doesNotThrow(check(200, json, liveness));
    assert.throws(check(202, json, liveness), /does not promise this status/);
    assert.throws(
      check(200, new Headers({ 'content-type': 'text/html' }), liveness),
      /does not promise text/,
    );
    assert.throws(check(200, json, { ...liveness, more: 1 }), /not as promised/);
    assert.throws(check(200, json, { status: 'ok' }), /not as promised/);
  });
});
