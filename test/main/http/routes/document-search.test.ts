import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import {
  chunkedDocument,
  runEmbedding,
  transcribedDocument,
  withEnvironment,
} from '../../../support/documents.ts';
import { embeddings } from '../../../support/embeddings-endpoint.ts';
import { hangUp, type Reply, startScriptedServer } from '../../../support/scripted-server.ts';
import { type Answer, startTestApi, type TestApi } from '../../../support/test-api.ts';

let api: TestApi;

before(async () => {
  api = await startTestApi();
});
beforeEach(() => api.database.query('truncate documents, tasks cascade'));
after(async () => {
  const unexpected = api?.events.of('request_failed');
  await api?.stop();
  assert.deepEqual(unexpected, []);
});

describe('the chunks of a document', () => {
  it('are parts of its text, in their order', async () => {
    const text = `${'A sentence of the first page. '.repeat(80)}\fThe second page.`;
    const id = await keep(text);
    const { status, json } = await api.call('GET', `/api/v1/documents/${id.slice(-8)}/chunks`);
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(json.items[0]), ['chunk', 'start', 'end', 'page', 'text']);
    for (const [at, { chunk, start, end, text: part }] of json.items.entries()) {
      assert.equal(chunk, at);
      assert.equal(text.slice(start, end), part);
    }
    assert.deepEqual([json.items.at(-1).page, json.items.at(-1).text], [2, 'The second page.']);
    const document = (await api.call('GET', `/api/v1/documents/${id}`)).json;
    assert.equal(document.chunks, json.items.length);
  });

  it('are not there before it is cut, or when it cannot be', async () => {
    const id = await transcribedDocument(api.database, 'text');
    await api.database.query("update tasks set status = 'queued'");
    await api.database.query("update parsed_documents set status = 'failed', error = 'it is a scan'");
    assertProblem(
      await api.call('GET', `/api/v1/documents/${id}/chunks`),
      409,
      'document-failed',
      /it is a scan/,
    );
    const { rows } = await api.database.query(
      "insert into tasks (type, status) values ('transcribe-document', 'queued') returning id",
    );
    await api.database.query('update documents set task_ids = array[$1::uuid]', [rows[0].id]);
    await api.database.query("update parsed_documents set status = 'transcribing'");
    assertProblem(
      await api.call('GET', `/api/v1/documents/${id}/chunks`),
      409,
      'document-not-ready',
      /it is transcribing/,
    );
    assertProblem(await api.call('GET', '/api/v1/documents/abcd/chunks'), 404, 'document-not-found');
  });
});

describe('what a document tells of its embeddings', () => {
  it('is that there are none, that there will be, that there are', async () => {
    const id = await keep('One.');
    assert.deepEqual(await embeddingOf(id), {
      // Nothing works on it: it was killed, or never submitted.
      status: 'ready',
      embedding: { status: 'failed', model: null, dimension: null, error: 'its task is gone' },
    });
    const { rows } = await api.database.query(
      "insert into tasks (type, status) values ('embed-document', 'queued') returning id",
    );
    await api.database.query('update documents set task_ids = array[$1::uuid]', [rows[0].id]);
    assert.deepEqual(await embeddingOf(id), {
      status: 'embedding',
      embedding: { status: 'pending', model: null, dimension: null, error: null },
    });
    await api.database.query("update tasks set status = 'failed', error = 'timed out after 300 s'");
    assert.equal((await embeddingOf(id)).embedding.error, 'timed out after 300 s');
    await withEnvironment({ EMBEDDINGS_URL: 'local' }, () => runEmbedding(api.database, id));
    assert.deepEqual(await embeddingOf(id), {
      status: 'ready',
      embedding: { status: 'done', model: 'local-hash-384', dimension: 384, error: null },
    });
  });
});

describe('a search by words', () => {
  it('finds them in all their forms, the best match first, and says how', async () => {
    await keep('Installing packages takes a package manager, which packages know.', 'manual.pdf');
    await keep('A package.');
    await keep('Nothing of that kind.');
    const { json } = await search('package');
    assert.equal(json.method, 'full_text');
    assert.equal(json.items.length, 2);
    const [best, second] = json.items;
    assert.deepEqual(Object.keys(best).sort(), [
      'chunk',
      'document_id',
      'end',
      'page',
      'score',
      'start',
      'text',
      'title',
    ]);
    assert.deepEqual([best.title, best.chunk, best.page, best.start], ['manual.pdf', 0, 1, 0]);
    assert.ok(best.score > second.score);
  });

  it('knows phrases, exclusion and alternatives', async () => {
    await keep('red apple');
    await keep('green apple');
    await keep('apple, red');
    assert.deepEqual((await texts('"red apple"')).sort(), ['red apple']);
    assert.deepEqual((await texts('apple -red')).sort(), ['green apple']);
    assert.deepEqual((await texts('"red apple" or green')).sort(), ['green apple', 'red apple']);
  });

  it('finds what has all words first, then what has some of them', async () => {
    await keep('The kernel is loaded.');
    await keep('How the kernel module is installed and loaded.');
    await keep('Some other thing.');
    assert.deepEqual(await texts('how do I load a kernel module'), [
      'How the kernel module is installed and loaded.',
      'The kernel is loaded.',
    ]);
  });

  const foreign: [string, string, string[]][] = [
    [
      'Chinese',
      '系统部署失败了，我们需要重新开始。',
      ['部署', '失败', '部署失败', '系统失败', '败', '"部署失败"'],
    ],
    [
      'Japanese',
      '東京でデータベースに接続できません。',
      ['データベース', '接続', '東京', 'ﾃﾞｰﾀﾍﾞｰｽ', '京', '東京の接続'],
    ],
    ['Korean', '데이터베이스에 연결할 수 없습니다', ['데이터베이스', '연결', '데이터']],
    ['Thai', 'ระบบฐานข้อมูลไม่สามารถเชื่อมต่อได้', ['ฐานข้อมูล', 'ระบบ']],
    ['Russian', 'Не удалось подключиться к базе данных', ['подключиться', 'БАЗЕ']],
    ['Turkish', 'Veritabanına bağlanılamadı, ﬁkir yok', ['bağlanılamadı', 'fikir']],
  ];
  for (const [language, text, words] of foreign) {
    it(`finds words in ${language}`, async () => {
      await keep(text);
      await keep('今天天气很好。明日は雨です。오늘은 비가 온다. Something else, иное. สวัสดี');
      for (const word of words) assert.deepEqual(await texts(word), [text], word);
    });
  }

  it('does not find pairs of characters that only look alike', async () => {
    await keep('失败的部分。署名。');
    assert.deepEqual(await texts('部署'), []);
    assert.deepEqual(await texts('"部署失败"'), []);
  });

  it('finds nothing of a document that was deleted', async () => {
    const id = await keep('A package.');
    await api.call('DELETE', `/api/v1/documents/${id}`);
    assert.deepEqual(await texts('package'), []);
    for (const table of ['document_chunks', 'document_embeddings'])
      assert.equal((await api.database.query(`select from ${table}`)).rowCount, 0);
  });

  it('gives as many as are asked for', async () => {
    for (let count = 0; count < 12; count += 1) await keep(`A package, the ${count}th.`);
    assert.equal((await search('package')).json.items.length, 10);
    assert.equal((await search('package', '&limit=3')).json.items.length, 3);
    assert.equal((await search('package', '&limit=100')).json.items.length, 12);
  });

  for (const q of [
    'the of and',
    '...',
    '-',
    '"',
    '- - -',
    '!!! & | <->',
    "o'; drop table documents; --",
    '\\',
    '%_%',
    '🙂',
    '\u{10ffff}',
  ]) {
    it(`takes ${JSON.stringify(q)} for what it is: nothing to find`, async () => {
      await keep('A package.');
      assert.deepEqual((await search(q)).json, { items: [], method: 'full_text' });
    });
  }
});

describe('what cannot be searched for', () => {
  for (const [query, detail] of [
    ['', /parameter q is missing/],
    ['q=', /must not be blank/],
    ['q=%20%0A', /must not be blank/],
    [`q=${'x'.repeat(1001)}`, /at most 1000 characters/],
    ['q=a%00b', /NUL/],
    ['q=a&limit=0', /limit must be a whole number from 1 to 100/],
    ['q=a&limit=101', /limit must be/],
  ] as const) {
    it(`${query.slice(0, 20) || 'nothing'} is refused`, async () => {
      const answer = await api.call('GET', `/api/v1/documents/search?${query}`);
      assertProblem(answer, 400, 'bad-parameter', detail);
    });
  }

  it('half a surrogate pair is what the address makes of it', async () => {
    assert.equal((await api.call('GET', '/api/v1/documents/search?q=%ED%A0%80')).status, 200);
  });
});

describe('a search with embeddings', () => {
  it('by the local embedder finds what words alone do not, and says hybrid', async () => {
    await withApi({ EMBEDDINGS_URL: 'local' }, async (call) => {
      await keepEmbedded('Redeployment of databases');
      await keepEmbedded('A walk in the park');
      const { json } = await call('deploy database');
      assert.equal(json.method, 'hybrid');
      assert.equal(json.items[0].text, 'Redeployment of databases');
      assert.ok(json.items[0].score > json.items[1].score);
      assert.equal((await call('...')).json.method, 'vector');
    });
  });

  it('is by words alone as long as nothing is embedded', async () => {
    await withApi({ EMBEDDINGS_URL: 'local' }, async (call) => {
      await keep('A package.');
      assert.deepEqual(
        [(await call('package')).json.method, (await call('package')).json.items.length],
        ['full_text', 1],
      );
    });
  });

  it('never compares vectors of different models, or dimensions', async () => {
    const server = await startScriptedServer(embeddings({ dimension: 384 }), embeddings({ dimension: 383 }));
    const environment = { EMBEDDINGS_URL: server.url, EMBEDDINGS_MODEL: 'a-model' };
    await keepEmbedded('A package.');
    await withApi(environment, async (call) => {
      assert.equal((await call('package')).json.method, 'full_text');
      await api.database.query("update document_embeddings set model = 'a-model'");
      assert.equal((await call('package')).json.method, 'full_text');
    });
    await server.stop();
  });

  const trouble: [string, Reply, number][] = [
    ['is down', hangUp, 1500],
    ['hangs', () => {}, 8000],
    ['lies about counts', (response) => void response.end('{"data": []}'), 1500],
  ];
  for (const [what, reply, mostMs] of trouble) {
    it(`is by words alone when the endpoint ${what}, which is not asked again at once`, async () => {
      const server = await startScriptedServer(reply);
      const environment = { EMBEDDINGS_URL: server.url, EMBEDDINGS_MODEL: 'a-model' };
      await keep('A package.');
      await withApi(environment, async (call, other) => {
        const startedAt = performance.now();
        const { json } = await call('package');
        assert.deepEqual([json.method, json.items.length], ['full_text', 1]);
        assert.ok(performance.now() - startedAt < mostMs);
        await call('package');
        assert.equal(server.heard.length, 1);
        assert.equal(other.events.of('embeddings_away').length, 1);
      });
      await server.stop();
    });
  }
});

it('health says by what vectors are compared', async () => {
  const vectorsOf = async (one: TestApi) => (await one.call('GET', '/health')).json.vectors;
  assert.equal(await vectorsOf(api), 'none');
  await withApi({ EMBEDDINGS_URL: 'local' }, async (_, other) => {
    assert.equal(await vectorsOf(other), 'sql');
  });
});

async function keep(text: string, title?: string): Promise<string> {
  return chunkedDocument(api.database, text, title);
}

async function keepEmbedded(text: string): Promise<string> {
  const id = await keep(text);
  await withEnvironment({ EMBEDDINGS_URL: 'local' }, () => runEmbedding(api.database, id));
  return id;
}

function search(q: string, more = '', one: TestApi = api): Promise<Answer> {
  return one.call('GET', `/api/v1/documents/search?q=${encodeURIComponent(q)}${more}`);
}

/** The texts that are found, in their order. */
async function texts(q: string): Promise<string[]> {
  const { status, json } = await search(q);
  assert.equal(status, 200, q);
  return json.items.map(({ text }: { text: string }) => text);
}

async function embeddingOf(id: string) {
  const { status, embedding } = (await api.call('GET', `/api/v1/documents/${id}`)).json;
  return { status, embedding };
}

/** Another API on the same database. */
async function withApi(
  env: Record<string, string>,
  work: (call: (q: string) => Promise<Answer>, other: TestApi) => Promise<void>,
): Promise<void> {
  const other = await startTestApi({ env, database: api.database });
  try {
    await work((q) => search(q, '', other), other);
  } finally {
    await other.stop();
  }
}

function assertProblem(answer: Answer, status: number, type: string, detail = /./): void {
  assert.equal(answer.status, status);
  assert.equal(answer.json.type, `/problems/${type}`);
  assert.match(answer.json.detail, detail);
}
