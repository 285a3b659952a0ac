import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { startTestApi, type TestApi } from '../../support/test-api.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi({ env: { MAX_BODY_BYTES: '2000' } });
});
after(async () => {
  const unexpected = api?.events.of('request_failed');
  await api?.stop();
  assert.deepEqual(unexpected, []);
});

const JSON_TYPE = { 'content-type': 'application/json' };
const post = (body: RequestInit['body'] | undefined, headers: Record<string, string> = JSON_TYPE) =>
  api.send('/api/v1/tasks', { method: 'POST', headers, ...(body !== undefined && { body }), duplex: 'half' });

function assertProblem(answer: { status: number; headers: Headers; json: unknown }, status: number): void {
  assert.equal(answer.status, status);
  assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
  const problem = answer.json as Record<string, unknown>;
  assert.deepEqual(
    Object.keys(problem).filter((key) => key !== 'errors'),
    ['type', 'title', 'status', 'detail', 'instance'],
  );
  assert.match(String(problem.type), /^\/problems\/[a-z-]+$/);
  assert.equal(problem.status, status);
  assert.ok(String(problem.detail).length > 5);
}

describe('a body', () => {
  it('that is missing or malformed is 400', async () => {
    for (const body of [undefined, '', '{', 'nonsense', '{"type":"anything",}', '\ufeff\ufeff{}']) {
      assertProblem(await post(body), 400);
    }
    assertProblem(await post(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), 400);
  });

  it('that is not declared as JSON is 415', async () => {
    const body = '{"type":"anything"}';
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp']) {
      assertProblem(await post(body, { 'content-type': type }), 415);
    }
    assertProblem(await post(body, { ...JSON_TYPE, 'content-encoding': 'gzip' }), 415);
    for (const type of ['application/json; charset=utf-8', 'Application/JSON', 'application/x.y+json']) {
      assert.equal((await post(body, { 'content-type': type })).status, 201);
    }
  });

  it('that is larger than MAX_BODY_BYTES is 413, whether or not it says so', async () => {
    const large = JSON.stringify({ type: 'anything', params: { text: 'x'.repeat(2000) } });
    assertProblem(await post(large), 413);
    assertProblem(await post(large, { ...JSON_TYPE, 'content-length': String(large.length) }), 413);
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 500;
        controller.enqueue(new Uint8Array(500).fill(0x20));
      },
    });
    assertProblem(await post(endless), 413);
    assert.ok(sent < 10_000);
  });

  it('that is no object is 422', async () => {
    for (const body of ['[]', 'null', '"text"', '1', 'true']) {
      const answer = await post(body);
      assertProblem(answer, 422);
      assert.deepEqual(answer.json.errors, [{ detail: 'must be an object', pointer: '' }]);
    }
  });
});

describe('a submission is 422 with a pointer for', () => {
  const cases: [why: string, body: string | object, ...pointers: string[]][] = [
    ['a missing type', {}, '/type'],
    ['a type that is no text', { type: 7 }, '/type'],
    ['an unknown type', { type: 'nope' }, '/type'],
    ['a periodic type', { type: 'tick' }, '/type'],
    ['unknown fields', { type: 'anything', parms: {}, 'a/b': 1 }, '/parms', '/a~1b'],
    ['missing params', { type: 'greet' }, '/params/name'],
    ['params of a wrong type', { type: 'greet', params: { name: 7 } }, '/params/name'],
    ['an unknown field of params', { type: 'greet', params: { name: 'x', x: 1 } }, '/params/x'],
    ['params that are a list', { type: 'anything', params: [] }, '/params'],
    ['params that are a text', { type: 'anything', params: '{}' }, '/params'],
    ['a priority beyond 100', { type: 'anything', priority: 101 }, '/priority'],
    ['a priority with a fraction', { type: 'anything', priority: 0.5 }, '/priority'],
    ['a priority in quotes', { type: 'anything', priority: '1' }, '/priority'],
    ['a drift_score in quotes', { type: 'anything', drift_score: 'NaN' }, '/drift_score'],
    ['an infinite drift_score', '{"type":"anything","drift_score":1e999}', '/drift_score'],
    ['an infinite number in params', '{"type":"anything","params":{"a":[0,-1e999]}}', '/params/a/1'],
    ['a negative delay', { type: 'anything', delay_seconds: -1 }, '/delay_seconds'],
    ['an absurd delay', { type: 'anything', delay_seconds: 1e12 }, '/delay_seconds'],
    [
      'a delay and a time',
      { type: 'anything', delay_seconds: 1, run_at: '2030-01-01T00:00:00Z' },
      '/delay_seconds',
    ],
    ['a time that is none', { type: 'anything', run_at: 'tomorrow' }, '/run_at'],
    ['a day that is none', { type: 'anything', run_at: '2030-02-30T00:00:00Z' }, '/run_at'],
    ['a time without an offset', { type: 'anything', run_at: '2030-01-01T00:00:00' }, '/run_at'],
    ['a time beyond the year 9999', { type: 'anything', run_at: '+012030-01-01T00:00:00Z' }, '/run_at'],
    ['the year 300000', { type: 'anything', run_at: '300000-01-01T00:00:00Z' }, '/run_at'],
    ['the year 300000 as ISO has it', { type: 'anything', run_at: '+300000-01-01T00:00:00Z' }, '/run_at'],
    ['a time just beyond it', { type: 'anything', run_at: '9999-12-31T23:59:59-01:00' }, '/run_at'],
    ['a time in the year 0', { type: 'anything', run_at: '0000-01-01T00:00:00Z' }, '/run_at'],
    ['a time as a number', { type: 'anything', run_at: 1_900_000_000 }, '/run_at'],
    ['negative retries', { type: 'anything', max_retries: -1 }, '/max_retries'],
    ['more retries than fit', { type: 'anything', max_retries: 3e9 }, '/max_retries'],
    ['no time at all', { type: 'anything', timeout_seconds: 0 }, '/timeout_seconds'],
    ['more time than the type has', { type: 'anything', timeout_seconds: 301 }, '/timeout_seconds'],
    ['an empty unique_key', { type: 'anything', unique_key: '' }, '/unique_key'],
    ['a unique_key beyond an index entry', { type: 'anything', unique_key: 'x'.repeat(256) }, '/unique_key'],
    ['a dependency that is no id', { type: 'anything', depends_on: ['#0', '0199'] }, '/depends_on/1'],
    ['a dependency that there is not', { type: 'anything', depends_on: [randomUUID()] }, '/depends_on/0'],
    ['a dependency on itself', { type: 'anything', depends_on: ['#0'] }, '/depends_on/0'],
    ['an unknown policy', { type: 'anything', on_dependency_failure: 'x' }, '/on_dependency_failure'],
    ['run_immediately in quotes', { type: 'anything', run_immediately: 'no' }, '/run_immediately'],
    ['a NUL character', { type: 'anything', description: 'a\0b' }, '/description'],
    [
      'NUL characters in params',
      { type: 'anything', params: { a: ['\0'], 'k\0': 1 } },
      '/params/a/0',
      '/params/k\0',
    ],
    ['half of a surrogate pair', '{"type":"anything","params":{"a":"\\ud800"}}', '/params/a'],
    ['a NUL character in the type', { type: 'any\0thing' }, '/type'],
    ['values nested too deep', `{"type":"anything","params":${'{"a":'.repeat(300)}1${'}'.repeat(301)}`, ''],
  ];
  for (const [why, body, ...pointers] of cases) {
    it(why, async () => {
      const answer = await post(typeof body === 'string' ? body : JSON.stringify(body));
      assertProblem(answer, 422);
      assert.deepEqual(
        answer.json.errors.map((error: { pointer: string }) => error.pointer),
        pointers,
      );
    });
  }

  it('and the answer to an unknown type lists the known ones', async () => {
    const { json } = await post('{"type":"nope"}');
    assert.equal(json.type, '/problems/unknown-task-type');
    assert.match(json.detail, /^There is no task type 'nope'\. Known are: anything, greet, once\.$/);
    assert.equal(json.instance, '/api/v1/tasks');
  });

  it('but an escaped backslash before u0000 is no NUL character', async () => {
    const { status, json } = await post(JSON.stringify({ type: 'anything', params: { a: '\\u0000' } }));
    assert.deepEqual([status, json.params], [201, { a: '\\u0000' }]);
  });
});

describe('a parameter that does not parse is 400:', () => {
  const queries = [
    'limit=0',
    'limit=1001',
    'limit=ten',
    'limit=',
    'limit=1.5',
    'offset=-1',
    'offset=99999999999999999999',
    'status=done',
    'status=queued&status=done',
    'created_after=yesterday',
    'created_before=2030-13-01T00:00:00Z',
    'cursor=%3F',
    'cursor=AAAA',
    'cursor=AZmaXQAAcACAAAAAAAAAAA&offset=1',
    'domain=%00',
  ];
  for (const query of queries) {
    it(query, async () => assertProblem(await api.call('GET', `/api/v1/tasks?${query}`), 400));
  }
});

describe('an address', () => {
  it('that leads nowhere is 404', async () => {
    for (const path of [
      '/nothing',
      '/api/v1',
      '/api/v1/tasks/',
      '/api/v1/tasks/0199/nothing',
      '/api/v2/tasks',
    ]) {
      assertProblem(await api.call('GET', path), 404);
    }
    assertProblem(await api.call('POST', '/api/v1/periodic-tasks/nothing/run'), 404);
    assertProblem(await api.call('POST', '/api/v1/periodic-tasks/anything/pause'), 404);
  });

  it('with a NUL character or a broken escape is no server error', async () => {
    assertProblem(await api.call('POST', '/api/v1/periodic-tasks/%00/run'), 400);
    assertProblem(await api.call('POST', '/api/v1/periodic-tasks/%ff/run'), 404);
    assertProblem(await api.call('GET', '/api/v1/tasks/%E0%A4%A'), 404);
  });

  it('asked with a method it does not know is 405 with those it knows', async () => {
    const cases = [
      ['PUT', '/api/v1/tasks', 'POST, GET, HEAD'],
      ['PATCH', '/api/v1/tasks/0199', 'GET, HEAD, DELETE'],
      ['GET', '/api/v1/tasks/0199/run', 'POST'],
      ['DELETE', '/api/v1/task-types', 'GET, HEAD'],
      // None of these is an id.
      ['GET', '/api/v1/tasks/batch', 'POST'],
      ['DELETE', '/api/v1/tasks/run', 'POST'],
      ['DELETE', '/api/v1/documents/search', 'GET, HEAD'],
      ['POST', '/health', 'GET, HEAD'],
      ['OPTIONS', '/api/v1/tasks', 'POST, GET, HEAD'],
    ] as const;
    for (const [method, path, allow] of cases) {
      const answer = await api.call(method, path);
      assertProblem(answer, 405);
      assert.equal(answer.headers.get('allow'), allow);
    }
  });
});
