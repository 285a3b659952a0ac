import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Answer, startTestApi, type TestApi } from '../../../support/test-api.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi();
});
after(async () => {
  const unexpected = api?.events.of('request_failed');
  await api?.stop();
  assert.deepEqual(unexpected, []);
});

const SESSIONS = '/api/v1/sessions';
const MEMORIES = '/api/v1/memories';
const post = (path: string, body: unknown, headers = {}) => api.call('POST', path, body, headers);
const get = (path: string) => api.call('GET', path);

function assertFaults({ status, json }: Answer, ...pointers: string[]): void {
  assert.equal(status, 422);
  assert.deepEqual(
    json.errors.map(({ pointer }: { pointer: string }) => pointer),
    pointers,
  );
}

describe('sessions', () => {
  it("are kept with Agno's columns, and read as they were kept", async () => {
    const session = {
      session_id: 'chat-1',
      session_type: 'agent',
      agent_id: 'support',
      team_id: null,
      user_id: 'u@example.com',
      workflow_id: null,
      session_data: { session_metrics: { input_tokens: 3 } },
      agent_data: { model: { id: 'm' } },
      team_data: null,
      workflow_data: null,
      metadata: { source: 'web' },
      summary: null,
      runs: [{ run_id: 'r1', messages: [{ role: 'user', content: 'Grüße' }] }],
    };
    const { status, headers, json } = await post(SESSIONS, session);
    assert.equal(status, 201);
    assert.equal(headers.get('location'), `${SESSIONS}/chat-1`);
    const { created_at, updated_at, ...kept } = json;
    assert.deepEqual(kept, session);
    assert.equal(created_at, updated_at);
    assert.ok(Math.abs(created_at - Date.now() / 1000) < 60);
    assert.deepEqual((await get(`${SESSIONS}/chat-1`)).json, json);
    const { rows } = await api.database.query(
      "select agent_id, runs from ai_sessions where session_id = 'chat-1'",
    );
    assert.deepEqual(rows, [{ agent_id: 'support', runs: session.runs }]);
  });

  it('are replaced as a whole by their id, but for the time of their creation', async () => {
    await post(SESSIONS, { session_id: 'again', session_type: 'team', team_id: 't', metadata: { a: 1 } });
    await api.database.query("update ai_sessions set created_at = 1000 where session_id = 'again'");
    const { status, json } = await post(SESSIONS, { session_id: 'again', session_type: 'team', runs: [] });
    assert.equal(status, 200);
    assert.deepEqual([json.created_at, json.team_id, json.metadata, json.runs], [1000, null, null, []]);
    assert.ok(json.updated_at > 1000);
  });

  it('of another user are not replaced', async () => {
    await post(SESSIONS, { session_id: 'mine', session_type: 'agent', user_id: 'me' });
    for (const user_id of ['you', null]) {
      const { status, json } = await post(SESSIONS, { session_id: 'mine', session_type: 'agent', user_id });
      assert.deepEqual([status, json.type], [409, '/problems/belongs-to-another-user']);
    }
    assert.equal((await get(`${SESSIONS}/mine`)).json.user_id, 'me');
  });

  it('get an id where they have none, and may have any id that fits into an address', async () => {
    const made = await post(SESSIONS, { session_type: 'workflow' });
    assert.match(made.json.session_id, /^[\da-f]{8}-/);
    const odd = 'a/b c?d#e%f ü';
    const { headers } = await post(SESSIONS, { session_id: odd, session_type: 'workflow' });
    assert.equal((await get(headers.get('location') as string)).json.session_id, odd);
  });

  it('are listed the newest first, without their runs, by what is asked for', async () => {
    for (const [n, user_id] of ['list-a', 'list-b', 'list-a'].entries()) {
      await post(SESSIONS, { session_id: `list-${n}`, session_type: 'agent', user_id, runs: [{ n }] });
      await api.database.query('update ai_sessions set created_at = $1 where session_id = $2', [
        n,
        `list-${n}`,
      ]);
    }
    const all = (await get(`${SESSIONS}?user_id=list-a`)).json;
    assert.equal(all.total, 2);
    assert.deepEqual(
      all.items.map((item: { session_id: string }) => item.session_id),
      ['list-2', 'list-0'],
    );
    assert.ok(!('runs' in all.items[0]));
    const second = (await get(`${SESSIONS}?user_id=list-a&limit=1&offset=1`)).json;
    assert.deepEqual([second.total, second.items[0].session_id], [2, 'list-0']);
    assert.equal((await get(`${SESSIONS}?user_id=list-a&session_type=team`)).json.total, 0);
    assert.equal((await get(`${SESSIONS}?session_type=crowd`)).status, 400);
  });

  it('are deleted once', async () => {
    await post(SESSIONS, { session_id: 'gone', session_type: 'agent' });
    assert.deepEqual((await api.call('DELETE', `${SESSIONS}/gone`)).json, { deleted: 'gone' });
    for (const method of ['DELETE', 'GET']) {
      const { status, json } = await api.call(method, `${SESSIONS}/gone`);
      assert.deepEqual([status, json.type], [404, '/problems/session-not-found']);
    }
  });

  it('are kept once for one Idempotency-Key', async () => {
    const body = { session_type: 'agent' };
    const first = await post(SESSIONS, body, { 'Idempotency-Key': 'k' });
    const second = await post(SESSIONS, body, { 'Idempotency-Key': 'k' });
    assert.equal(second.json.session_id, first.json.session_id);
    assert.equal(second.headers.get('idempotent-replayed'), 'true');
  });

  const cases: [why: string, body: unknown, ...pointers: string[]][] = [
    ['without a type', { session_id: 'x' }, '/session_type'],
    ['of an unknown type', { session_type: 'crowd' }, '/session_type'],
    ['with an empty id', { session_id: '', session_type: 'agent' }, '/session_id'],
    ['with a long id', { session_id: 'x'.repeat(256), session_type: 'agent' }, '/session_id'],
    ['with runs that are no list', { session_type: 'agent', runs: {} }, '/runs'],
    ['with data that are no object', { session_type: 'agent', session_data: 'x' }, '/session_data'],
    ['with columns that there are not', { session_type: 'agent', created_at: 1 }, '/created_at'],
    ['with a NUL character', { session_type: 'agent', metadata: { a: ['\0'] } }, '/metadata/a/0'],
  ];
  for (const [why, body, ...pointers] of cases) {
    it(`are refused ${why}`, async () => assertFaults(await post(SESSIONS, body), ...pointers));
  }
});

describe('memories', () => {
  it('are kept, read, replaced and deleted', async () => {
    const memory = {
      memory_id: 'm-1',
      memory: 'Likes short answers',
      feedback: null,
      input: 'Please be brief',
      topics: ['style'],
      agent_id: 'support',
      team_id: null,
      user_id: 'u',
    };
    const first = await post(MEMORIES, memory);
    assert.equal(first.status, 201);
    const { created_at, updated_at, ...kept } = first.json;
    assert.deepEqual(kept, memory);
    assert.equal(created_at, updated_at);
    assert.deepEqual((await get(`${MEMORIES}/m-1`)).json, first.json);
    const second = await post(MEMORIES, { memory_id: 'm-1', user_id: 'u', memory: { likes: 'jokes' } });
    assert.deepEqual(
      [second.status, second.json.memory, second.json.topics],
      [200, { likes: 'jokes' }, null],
    );
    assert.equal((await post(MEMORIES, { memory_id: 'm-1', user_id: 'v', memory: 'x' })).status, 409);
    assert.equal((await api.call('DELETE', `${MEMORIES}/m-1`)).status, 200);
    assert.equal((await get(`${MEMORIES}/m-1`)).status, 404);
  });

  it('are found by user and by topics', async () => {
    for (const [n, topics] of [['food'], ['food', 'travel'], null].entries())
      await post(MEMORIES, { memory_id: `t-${n}`, memory: 'x', user_id: 'topical', topics });
    const idsOf = async (query: string) =>
      (await get(`${MEMORIES}?user_id=topical&${query}`)).json.items.map(
        ({ memory_id }: { memory_id: string }) => memory_id,
      );
    assert.deepEqual((await idsOf('')).sort(), ['t-0', 't-1', 't-2']);
    assert.deepEqual((await idsOf('topic=food')).sort(), ['t-0', 't-1']);
    assert.deepEqual(await idsOf('topic=food&topic=travel'), ['t-1']);
  });

  it('are refused without anything to remember', async () => {
    for (const body of [{}, { memory: null }, { memory: 7 }])
      assertFaults(await post(MEMORIES, body), '/memory');
    assertFaults(await post(MEMORIES, { memory: 'x', topics: ['a', ''] }), '/topics/1');
  });
});
