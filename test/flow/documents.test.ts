import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { Heddle } from '../support/heddle.ts';
import { sample } from '../support/samples.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { waitFor } from '../support/wait-for.ts';

/* From the upload to the search, with everything that Heddle starts and the tasks that it brings. */

let directory: string;
let database: TestDatabase;
let heddle: Heddle;
let api: string;

before(async () => {
  directory = await temporaryDirectory();
  database = await createTestDatabase();
  const env = {
    DATABASE_URL: database.url,
    PORT: '0',
    RUNNER_PORT: '0',
    THREADS: '2',
    EMBEDDINGS_URL: 'local',
  };
  heddle = new Heddle(['start'], env, directory);
  api = `${await heddle.ready()}/api/v1`;
});

after(async () => {
  await heddle?.stop();
  await database?.drop();
  await rm(directory, { recursive: true, force: true });
});

// biome-ignore lint/suspicious/noExplicitAny: assertions are what checks the shape of answers
type Json = any;

const get = async (path: string): Promise<Json> => (await fetch(api + path)).json();

async function upload(name: string, content: Buffer): Promise<Json> {
  const form = new FormData();
  form.set('file', new Blob([content]), name);
  const answer = await fetch(`${api}/documents`, { method: 'POST', body: form });
  assert.ok(answer.ok, `${answer.status}`);
  return answer.json();
}

function ended(id: string): Promise<Json> {
  return waitFor(
    `document ${id} to be ready or failed`,
    async () => {
      const document = await get(`/documents/${id}`);
      return ['ready', 'failed'].includes(document.status) ? document : null;
    },
    60_000,
  );
}

test('a document that is uploaded is transcribed, cut, embedded and found, by three tasks one after the other', async () => {
  const uploaded = await upload('faq.pdf', await sample('debian-faq.en.pdf'));
  assert.equal(uploaded.status, 'queued');
  const document = await ended(uploaded.id);
  assert.deepEqual(
    [document.status, document.pages, document.error, document.embedding],
    ['ready', 73, null, { status: 'done', model: 'local-hash-384', dimension: 384, error: null }],
  );
  const tasks = await Promise.all(document.task_ids.map((id: string) => get(`/tasks/${id}`)));
  assert.deepEqual(
    tasks.map(({ type, status, depends_on }) => ({ type, status, depends_on })),
    ['transcribe-document', 'chunk-document', 'embed-document'].map((type, n) => ({
      type,
      status: 'completed',
      depends_on: document.task_ids.slice(0, n).slice(-1),
    })),
  );

  const { items: chunks } = await get(`/documents/${document.id}/chunks`);
  const text = await (await fetch(`${api}/documents/${document.id}/text`)).text();
  assert.equal(chunks.length, document.chunks);
  for (const chunk of chunks) assert.equal(text.slice(chunk.start, chunk.end), chunk.text);

  const { items, method } = await get(
    `/documents/search?q=${encodeURIComponent('aptitude dependencies')}&limit=3`,
  );
  assert.equal(method, 'hybrid');
  assert.deepEqual([items.length, items[0].document_id, items[0].title], [3, document.id, 'faq.pdf']);
  assert.match(items[0].text, /aptitude|dependenc/i);
  assert.equal(text.slice(items[0].start, items[0].end), items[0].text);
});

test('words of Japanese and Chinese texts are found', async () => {
  const { id } = await upload(
    '日本.txt',
    Buffer.from('吾輩は猫である。名前はまだ無い。\n人工智能正在改变世界。'),
  );
  assert.equal((await ended(id)).status, 'ready');
  for (const q of ['名前', '人工智能']) {
    const { items } = await get(`/documents/search?q=${encodeURIComponent(q)}`);
    assert.equal(items[0]?.document_id, id, q);
  }
});

test('a document that cannot be read says why, and its other tasks are cancelled', async () => {
  const { id } = await upload('corrupt.pdf', await sample('corrupt.pdf'));
  const document = await ended(id);
  assert.equal(document.status, 'failed');
  assert.match(document.error, /damaged/);
  // The document is told first, in a statement of the task's own.
  await waitFor('its tasks to end', async () => {
    const tasks = await Promise.all(document.task_ids.map((task: string) => get(`/tasks/${task}`)));
    return tasks.map(({ status }) => status).join() === 'failed,cancelled,cancelled';
  });
});

test('a document that is deleted is found no more', async () => {
  const { id } = await upload('gone.txt', Buffer.from('A quokka is a small marsupial.'));
  assert.equal((await ended(id)).status, 'ready');
  const found = async () =>
    (await get('/documents/search?q=quokka')).items.map((item: Json) => item.document_id);
  assert.equal((await found())[0], id);
  assert.equal((await fetch(`${api}/documents/${id}`, { method: 'DELETE' })).status, 200);
  assert.ok(!(await found()).includes(id));
});
