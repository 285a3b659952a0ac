import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Answer, startTestApi, type TestApi } from '../../../support/test-api.ts';
import { waitFor } from '../../../support/wait-for.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi({ env: { MAX_BODY_BYTES: '1000000' } });
});
after(async () => {
  const unexpected = api?.events.of('request_failed');
  await api?.stop();
  assert.deepEqual(unexpected, []);
});

const FACTS = '/api/v1/facts';
const TASK_ID = '0190a0a0-0000-7000-8000-000000000000';
const get = (id: string) => api.call('GET', `${FACTS}/${id}`);
const post = (body: unknown) => api.call('POST', FACTS, body);
const patch = (id: string, body: unknown) => api.call('PATCH', `${FACTS}/${id}`, body);
const list = async (query = '') => (await api.call('GET', `${FACTS}?${query}`)).json;
const textsOf = (page: { items: { text: string }[] }) => page.items.map(({ text }) => text);

async function keep(text: string, more: object = {}): Promise<Answer['json']> {
  const { status, json } = await post({ text, ...more });
  assert.equal(status, 201);
  return json;
}

function assertFaults({ status, json }: Answer, ...pointers: string[]): void {
  assert.equal(status, 422);
  assert.deepEqual(
    json.errors.map(({ pointer }: { pointer: string }) => pointer),
    pointers,
  );
}

describe('POST /facts', () => {
  it('keeps a fact', async () => {
    const body = {
      text: 'Water is wet',
      tags: ['water', 'wet'],
      meta_data: { sure: 0.9 },
      produced_by_task_id: TASK_ID,
    };
    const { status, headers, json } = await post(body);
    assert.equal(status, 201);
    assert.equal(headers.get('location'), `${FACTS}/${json.id}`);
    const { id, created_at, updated_at, ...rest } = json;
    assert.deepEqual(rest, body);
    assert.equal(created_at, updated_at);
    assert.deepEqual((await get(id)).json, json);
    assert.deepEqual(Object.keys(json), [
      'id',
      'text',
      'tags',
      'meta_data',
      'created_at',
      'updated_at',
      'produced_by_task_id',
    ]);
  });

  it('needs only a text; null is as good as absent', async () => {
    const empty = { tags: [], meta_data: {}, produced_by_task_id: null };
    for (const more of [{}, { tags: null, meta_data: null, metadata: null, produced_by_task_id: null }]) {
      const { tags, meta_data, produced_by_task_id } = await keep('bare', more);
      assert.deepEqual({ tags, meta_data, produced_by_task_id }, empty);
    }
  });

  it('takes the metadata under both names, and refuses two that differ', async () => {
    assert.deepEqual((await keep('a', { metadata: { a: 1 } })).meta_data, { a: 1 });
    assert.deepEqual((await keep('b', { metadata: null, meta_data: { b: 1 } })).meta_data, { b: 1 });
    assert.deepEqual((await keep('c', { metadata: { c: [1] }, meta_data: { c: [1] } })).meta_data, {
      c: [1],
    });
    assertFaults(await post({ text: 'd', metadata: { d: 1 }, meta_data: { d: 2 } }), '/metadata');
  });

  it('keeps a tag once, in the order they came', async () => {
    assert.deepEqual((await keep('tagged', { tags: ['b', 'a', 'b', 'B'] })).tags, ['b', 'a', 'B']);
  });

  it('counts characters as code points', async () => {
    const longest = '\u{1F9F5}'.repeat(100_000);
    assert.equal((await keep(longest)).text, longest);
    assertFaults(await post({ text: `${longest}x` }), '/text');
    assertFaults(await post({ text: 'x'.repeat(300_000) }), '/text');
    const tag = '\u{1F9F5}'.repeat(255);
    assert.deepEqual((await keep('x', { tags: [tag] })).tags, [tag]);
  });

  it('keeps the words of the longest texts', async () => {
    const words = Array.from({ length: 20_000 }, (_, n) => `${String.fromCodePoint(0x20000 + n)}-${n % 10}`);
    const { id } = await keep(words.join(' ').slice(0, 100_000));
    assert.equal((await list(`q=${encodeURIComponent(words[9000] as string)}`)).items[0].id, id);
  });

  const cases: [why: string, body: unknown, ...pointers: string[]][] = [
    ['a missing text', {}, '/text'],
    ['an empty text', { text: '' }, '/text'],
    ['a text that is none', { text: 7 }, '/text'],
    ['a null text', { text: null }, '/text'],
    ['tags that are no list', { text: 'x', tags: 'a' }, '/tags'],
    ['a tag that is no text', { text: 'x', tags: ['a', 1] }, '/tags/1'],
    ['an empty tag', { text: 'x', tags: [''] }, '/tags/0'],
    ['a long tag', { text: 'x', tags: ['y'.repeat(256)] }, '/tags/0'],
    ['many tags', { text: 'x', tags: Array.from({ length: 101 }, String) }, '/tags'],
    ['metadata that are a list', { text: 'x', meta_data: [] }, '/meta_data'],
    ['metadata that are a text', { text: 'x', metadata: '{}' }, '/metadata'],
    ['a task id that is none', { text: 'x', produced_by_task_id: '0190' }, '/produced_by_task_id'],
    ['unknown fields', { text: 'x', txt: 'x', 'a/b': 1 }, '/txt', '/a~1b'],
    ['a NUL character', { text: 'a\0' }, '/text'],
    ['a NUL character in a tag', { text: 'a', tags: ['a', 'b\0'] }, '/tags/1'],
    [
      'a NUL character in metadata',
      { text: 'a', metadata: { 'k/\0': 1, k: ['\0'] } },
      '/metadata/k~1\0',
      '/metadata/k/0',
    ],
    ['half of a surrogate pair', { text: 'a\ud800' }, '/text'],
    ['no object', [], ''],
  ];
  for (const [why, body, ...pointers] of cases) {
    it(`refuses ${why}`, async () => assertFaults(await post(body), ...pointers));
  }

  it('refuses what is nested too deep, and an infinite number', async () => {
    const send = (body: string) =>
      api.send(FACTS, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const deep = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`;
    assertFaults(await send(`{"text":"x","meta_data":${deep},"metadata":${deep}}`), '');
    assertFaults(await send('{"text":"x","meta_data":{"a":1e999}}'), '/meta_data/a');
  });
});

describe('GET /facts/{id}', () => {
  it('takes a unique prefix or ending', async () => {
    const { id } = await keep('short');
    for (const typed of [id, id.toUpperCase(), id.replaceAll('-', ''), id.slice(-8), id.slice(0, 30)]) {
      assert.equal((await get(typed)).json.id, id);
    }
  });

  it('says what is not there, and what is ambiguous', async () => {
    await keep('one');
    const { id } = await keep('two');
    const ambiguous = await get(id.slice(0, 4));
    assert.deepEqual([ambiguous.status, ambiguous.json.type], [409, '/problems/ambiguous-id']);
    assert.match(
      ambiguous.json.detail,
      /^More than one fact has an id that begins or ends with '[\da-f]{4}'/,
    );
    for (const typed of [TASK_ID, 'ffff', 'abc', 'nothing', '____', '%25%25%25%25']) {
      const { status, json } = await get(typed);
      assert.deepEqual([status, json.type], [404, '/problems/fact-not-found']);
      assert.match(json.detail, /^There is no fact with the id /);
    }
  });
});

describe('PATCH /facts/{id}', () => {
  it('changes only what is given, and that as a whole', async () => {
    const before = await keep('old', {
      tags: ['a', 'b'],
      meta_data: { a: 1, b: 2 },
      produced_by_task_id: TASK_ID,
    });
    await waitFor('the next millisecond', () => Date.now() > Date.parse(before.updated_at));
    const { status, json } = await patch(before.id.slice(-8), { meta_data: { c: 3 } });
    assert.equal(status, 200);
    assert.ok(json.updated_at > before.updated_at);
    assert.deepEqual(json, { ...before, meta_data: { c: 3 }, updated_at: json.updated_at });
    assert.deepEqual((await patch(before.id, { text: 'new', tags: ['c'] })).json.tags, ['c']);
    assert.deepEqual((await patch(before.id, { metadata: {}, tags: [] })).json, {
      ...(await get(before.id)).json,
      text: 'new',
      tags: [],
      meta_data: {},
    });
  });

  it('moves updated_at only when something changes', async () => {
    const fact = await keep('same', { tags: ['a'], meta_data: { a: 1, b: 2 } });
    const row = async () =>
      (await api.database.query('select xmin, updated_at from facts where id = $1', [fact.id])).rows;
    const before = await row();
    for (const body of [
      {},
      { tags: null, meta_data: null, metadata: null },
      { text: 'same', tags: ['a', 'a'], meta_data: { b: 2, a: 1 } },
    ]) {
      assert.deepEqual((await patch(fact.id, body)).json, fact);
    }
    assert.deepEqual(await row(), before);
  });

  it('finds it by what it says now', async () => {
    const { id } = await keep('quicksilver');
    await patch(id, { text: 'mercury', meta_data: { symbol: 'Hydrargyrum' } });
    assert.equal((await list('q=quicksilver')).total, 0);
    assert.equal((await list('q=mercury')).items[0].id, id);
    assert.equal((await list('q=drargyr')).items[0].id, id);
  });

  it('refuses what POST refuses, and a null text', async () => {
    const { id } = await keep('x');
    assertFaults(await patch(id, { text: null }), '/text');
    assertFaults(await patch(id, { text: '' }), '/text');
    assertFaults(await patch(id, { tags: [''], meta_data: 1 }), '/tags/0', '/meta_data');
    assertFaults(await patch(id, { metadata: { a: 1 }, meta_data: {} }), '/metadata');
    assertFaults(await patch(id, { produced_by_task_id: TASK_ID }), '/produced_by_task_id');
    assertFaults(await patch(id, { text: 'a\0' }), '/text');
    assert.equal((await patch(TASK_ID, { text: 'y' })).status, 404);
  });
});

describe('DELETE /facts/{id}', () => {
  it('deletes', async () => {
    const { id } = await keep('gone');
    const answer = await api.call('DELETE', `${FACTS}/${id.slice(-8)}`);
    assert.deepEqual([answer.status, answer.json], [200, { deleted: id }]);
    assert.equal((await get(id)).status, 404);
    assert.equal((await api.call('DELETE', `${FACTS}/${id}`)).status, 404);
  });
});

describe('GET /facts', () => {
  before(() => api.database.query('truncate facts'));

  it('lists the newest first, 100 unless more are asked for', async () => {
    assert.deepEqual(await list(), { total: 0, items: [] });
    await api.database.query("insert into facts (text) select 'fact ' || n from generate_series(1, 105) n");
    const page = await list();
    assert.deepEqual([page.items.length, page.total, page.items[0].text], [100, 105, 'fact 105']);
    assert.deepEqual(textsOf(await list('limit=2&offset=103')), ['fact 2', 'fact 1']);
    assert.deepEqual(await list('offset=999999999999999'), { total: 105, items: [] });
    assert.equal((await list('limit=1000')).items.length, 105);
  });

  it('demands every tag, and looks at no empty parameter', async () => {
    const odd = ['a,b', 'NULL', '{}', '"quoted"', 'back\\slash', ' space ', '標籤'];
    await keep('one', { tags: ['red', 'round'] });
    await keep('two', { tags: ['red', ...odd] });
    assert.deepEqual(textsOf(await list('tag=red')), ['two', 'one']);
    assert.deepEqual(textsOf(await list('tag=red&tag=round')), ['one']);
    assert.deepEqual(textsOf(await list('tag=Red')), []);
    for (const tag of odd)
      assert.deepEqual(textsOf(await list(`tag=${encodeURIComponent(tag)}`)), ['two'], tag);
    assert.equal((await list('tag=&q=')).total, 107);
    assert.deepEqual(textsOf(await list('q=one&tag=red')), ['one']);
  });

  for (const query of ['limit=0', 'limit=1001', 'limit=x', 'offset=-1', 'offset=1.5', 'q=%00']) {
    it(`refuses ${query}`, async () => {
      assert.equal((await api.call('GET', `${FACTS}?${query}`)).status, 400);
    });
  }
});

describe('a viewer', () => {
  it('may read facts, and not write them', async (t) => {
    const closed = await startTestApi({
      env: { API_TOKENS: 'vera:viewer:v-secret,anna:admin:a-secret' },
    });
    t.after(() => closed.stop());
    const headers = { authorization: 'Bearer v-secret' };
    const status = async (method: string, path: string, body?: unknown) =>
      (await closed.call(method, path, body, headers)).status;
    assert.equal(await status('GET', FACTS), 200);
    assert.equal(await status('GET', `${FACTS}/${TASK_ID}`), 404);
    assert.equal(await status('POST', FACTS, { text: 'x' }), 403);
    assert.equal(await status('PATCH', `${FACTS}/${TASK_ID}`, {}), 403);
    assert.equal(await status('DELETE', `${FACTS}/${TASK_ID}`), 403);
  });
});
