import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import type pg from 'pg';
import transcribe from '../../../../src/tasks/transcribe-document.ts';
import { attemptContext } from '../../../support/attempt-context.ts';
import { publishDocumentTypes } from '../../../support/document-types.ts';
import { sample } from '../../../support/samples.ts';
import { type Answer, startTestApi, type TestApi } from '../../../support/test-api.ts';

const MAX_DOCUMENT_BYTES = 3_000_000;
const faq = await sample('debian-faq.en.pdf');

let api: TestApi;
let pool: pg.Pool;

before(async () => {
  api = await startTestApi({ env: { MAX_DOCUMENT_BYTES: String(MAX_DOCUMENT_BYTES) } });
  pool = api.database;
});

after(() => api?.stop());

beforeEach(async () => {
  await pool.query('truncate documents, tasks cascade');
  await publishDocumentTypes(pool);
});

describe('upload', () => {
  test('a PDF is stored whole, in pieces, with the tasks that work on it, each after the one before', async () => {
    const file = Buffer.concat([faq, Buffer.alloc(2_000_000, 'x')]);
    const response = await upload(file, 'faq.pdf');
    assert.equal(response.status, 201);
    const document = response.json;
    assert.equal(response.headers.get('location'), `/api/v1/documents/${document.id}`);
    assert.equal(
      Object.keys(document).join(),
      'id,title,media_type,bytes,sha256,status,pages,characters,chunks,embedding,error,created_at,task_ids',
    );
    const { id, task_ids, created_at, ...rest } = document;
    assert.match(created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.deepEqual(rest, {
      title: 'faq.pdf',
      media_type: 'application/pdf',
      bytes: file.length,
      sha256: createHash('sha256').update(file).digest('hex'),
      status: 'queued',
      pages: null,
      characters: null,
      chunks: null,
      embedding: { status: 'none', model: null, dimension: null, error: null },
      error: null,
    });

    const { rows: tasks } = await pool.query(TASKS);
    const [transcribe, chunk, embed] = task_ids;
    const rest_of = { params: { document_id: id }, submitted_by: 'api:anonymous' };
    assert.deepEqual(tasks, [
      { id: transcribe, type: 'transcribe-document', status: 'queued', depends_on: [], ...rest_of },
      { id: chunk, type: 'chunk-document', status: 'created', depends_on: [transcribe], ...rest_of },
      { id: embed, type: 'embed-document', status: 'created', depends_on: [chunk], ...rest_of },
    ]);
    const { rows: pieces } = await pool.query('select piece, bytes from document_pieces order by piece');
    assert.deepEqual(
      pieces.map(({ bytes }) => bytes.length),
      [1_048_576, 1_048_576, file.length - 2 * 1_048_576],
    );
    assert.ok(Buffer.concat(pieces.map(({ bytes }) => bytes)).equals(file));
  });

  test('the same bytes again are the same document, under its first name', async () => {
    const first = (await upload(faq, 'first.pdf')).json;
    const again = await upload(faq, 'second.pdf');
    assert.equal(again.status, 200);
    assert.deepEqual(again.json, first);
    assert.equal((await pool.query('select from tasks')).rowCount, 3);
    assert.equal((await pool.query('select from document_files')).rowCount, 1);
  });

  test('simultaneous uploads of the same bytes make one document', async () => {
    const responses = await Promise.all(Array.from({ length: 12 }, () => upload(faq)));
    assert.deepEqual(
      responses.map(({ status }) => status).sort((a, b) => a - b),
      [...Array(11).fill(200), 201],
    );
    assert.equal(new Set(responses.map(({ json }) => json.id)).size, 1);
    assert.equal((await pool.query('select from tasks')).rowCount, 3);
    assert.equal((await pool.query('select from document_files')).rowCount, 1);
  });

  test('only the last part of a file name becomes the title', async () => {
    const document = (await upload(faq, '../../etc/grö\u0007ße.pdf')).json;
    assert.equal(document.title, 'größe.pdf');
  });

  test('nothing is stored when no runner knows the task type', async () => {
    await pool.query('delete from task_types');
    const response = await upload(faq);
    assertProblem(response, 503, 'not-ready');
    assert.ok(response.headers.get('retry-after'));
    assert.equal((await pool.query('select from documents')).rowCount, 0);
  });

  test('a file above the limit is refused, with or without a Content-Length', async () => {
    const large = Buffer.concat([faq, Buffer.alloc(MAX_DOCUMENT_BYTES)]);
    assertProblem(await upload(large), 413, 'body-too-large');
    const { body, headers } = encode(large);
    const chunked = {
      method: 'POST',
      headers,
      body: new Blob([body]).stream(),
      duplex: 'half',
    } as RequestInit;
    assertProblem(await api.send('/api/v1/documents', chunked), 413, 'body-too-large');
    const slightly = Buffer.concat([faq, Buffer.alloc(MAX_DOCUMENT_BYTES + 1 - faq.length)]);
    assertProblem(await upload(slightly), 413, 'body-too-large');
  });

  test('an empty file is refused', async () => {
    const problem = assertProblem(await upload(Buffer.alloc(0)), 422, 'invalid-document');
    assert.match(problem.detail, /empty/);
  });

  test('a form without a file, or with two, is refused', async () => {
    const none = new FormData();
    none.set('file', 'only text');
    assertProblem(await post(none), 422, 'invalid-document');
    const two = new FormData();
    for (const name of ['a', 'b']) two.append('file', new File(['%PDF-'], name));
    assertProblem(await post(two), 422, 'invalid-document');
  });

  test('a broken form is refused', async () => {
    const { body, headers } = encode(faq);
    const cut = { method: 'POST', headers, body: new Uint8Array(body.subarray(0, 1000)) };
    assertProblem(await api.send('/api/v1/documents', cut), 400, 'malformed-body');
  });
});

const TASKS = `
select id, type, params, status, submitted_by,
  array(select d.depends_on from task_dependencies d where d.task_id = t.id) as depends_on
from tasks t
order by array_position(array['transcribe-document', 'chunk-document', 'embed-document'], type)`;

describe('reading', () => {
  test('a transcribed document has its text', async () => {
    const { id } = (await upload(faq)).json;
    await runTranscription(id);
    const document = (await get(id)).json;
    assert.equal(document.status, 'chunking');
    assert.equal(document.pages, 73);

    const response = await get(`${id}/text`);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'text/plain; charset=utf-8');
    const text: string = response.json;
    assert.equal(text.length, document.characters);
    assert.equal(text.split('\f').length, 73);
  });

  test('there is no text before it is transcribed', async () => {
    const { id } = (await upload(faq)).json;
    const problem = assertProblem(await get(`${id}/text`), 409, 'document-not-ready');
    assert.match(problem.detail, /queued/);
  });

  test('a document that could not be transcribed says why, also where its text would be', async () => {
    const { id } = (await upload(await sample('scanned.pdf'))).json;
    await assert.rejects(runTranscription(id));
    const document = (await get(id)).json;
    assert.equal(document.status, 'failed');
    assert.match(document.error, /has no text layer/);
    const problem = assertProblem(await get(`${id}/text`), 409, 'document-failed');
    assert.match(problem.detail, /has no text layer/);
  });

  for (const status of ['failed', 'cancelled'] as const) {
    test(`a document whose task ended ${status} without a word has failed`, async () => {
      const { id, task_ids } = (await upload(faq)).json;
      await pool.query("update parsed_documents set status = 'transcribing'");
      await pool.query("update tasks set status = 'cancelled', error = 'dependency of it failed'");
      const ended = [task_ids[0], status, 'timed out after 180 s'];
      await pool.query('update tasks set status = $2, error = $3 where id = $1', ended);
      const document = (await get(id)).json;
      assert.equal(document.status, 'failed');
      assert.equal(document.error, 'timed out after 180 s');
    });
  }

  test('a document keeps its text when what comes after the transcription fails, and says why', async () => {
    const { id, task_ids } = (await upload(faq)).json;
    await runTranscription(id);
    await pool.query("update tasks set status = 'completed' where id = $1", [task_ids[0]]);
    await pool.query("update tasks set status = 'failed', error = 'no room' where id = $1", [task_ids[1]]);
    await pool.query("update tasks set status = 'cancelled', error = 'dependency' where id = $1", [
      task_ids[2],
    ]);
    const document = (await get(id)).json;
    assert.deepEqual([document.status, document.error], ['failed', 'no room']);
    assert.equal((await get(`${id}/text`)).status, 200);
  });

  test('a document whose unfinished task was pruned has failed', async () => {
    const { id } = (await upload(faq)).json;
    await pool.query('delete from tasks');
    assert.equal((await get(id)).json.status, 'failed');
  });

  test('part of an id will do when it is unique', async () => {
    const { id } = (await upload(faq)).json;
    const { id: other } = (await upload(await sample('scanned.pdf'))).json;
    assert.equal((await get(id.slice(-6))).json.id, id);
    assert.equal((await get(other.toUpperCase())).json.id, other);
    assert.equal((await get(other.replaceAll('-', ''))).json.id, other);
    assertProblem(await get(id.slice(0, 8)), 409, 'ambiguous-id');
    assertProblem(await get(id.slice(-3)), 404, 'document-not-found');
    assertProblem(await get('not-an-id'), 404, 'document-not-found');
    assertProblem(await get('0190a0a0-0000-7000-8000-000000000000'), 404, 'document-not-found');
  });

  test('the list has the newest first, page by page', async () => {
    const ids: string[] = [];
    for (const page of [1, 2, 3]) ids.unshift((await upload(Buffer.from(`%PDF-${page}`))).json.id);
    const first = (await list('limit=2')).json;
    assert.deepEqual(idsOf(first), ids.slice(0, 2));
    const second = (await list(`limit=2&cursor=${first.next_cursor}`)).json;
    assert.deepEqual(idsOf(second), ids.slice(2));
    assert.equal(second.next_cursor, null);
  });

  for (const query of ['limit=0', 'limit=1001', 'limit=ten', 'limit=', 'cursor=x']) {
    test(`the list refuses ${query}`, async () => {
      assertProblem(await list(query), 400, 'bad-parameter');
    });
  }
});

describe('delete', () => {
  test('a deleted document is gone, and its tasks are cancelled', async () => {
    const { id } = (await upload(faq)).json;
    const response = await api.send(`/api/v1/documents/${id}`, { method: 'DELETE' });
    assert.deepEqual(response.json, { deleted: id });
    assertProblem(await get(id), 404, 'document-not-found');
    assert.equal((await pool.query('select from document_pieces')).rowCount, 0);
    const { rows } = await pool.query('select distinct status, error from tasks');
    assert.deepEqual(rows, [{ status: 'cancelled', error: 'cancelled by api:anonymous' }]);
  });

  test('after that the same bytes are a new document', async () => {
    const { id } = (await upload(faq)).json;
    await api.send(`/api/v1/documents/${id}`, { method: 'DELETE' });
    const again = await upload(faq);
    assert.equal(again.status, 201);
    assert.notEqual(again.json.id, id);
  });

  test('a document that is not there cannot be deleted', async () => {
    const response = await api.send('/api/v1/documents/abcd', { method: 'DELETE' });
    assertProblem(response, 404, 'document-not-found');
  });
});

function upload(file: Buffer, name = 'sample.pdf'): Promise<Answer> {
  const form = new FormData();
  form.set('file', new File([new Uint8Array(file)], name, { type: 'text/misleading' }));
  return post(form);
}

async function post(body: FormData): Promise<Answer> {
  return api.send('/api/v1/documents', { method: 'POST', body });
}

async function get(path: string): Promise<Answer> {
  return api.call('GET', `/api/v1/documents/${path}`);
}

async function list(query: string): Promise<Answer> {
  return api.call('GET', `/api/v1/documents?${query}`);
}

/** A form's bytes as they travel. */
function encode(file: Buffer): { body: Buffer; headers: Record<string, string> } {
  const boundary = 'a-boundary';
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n`;
  return {
    body: Buffer.concat([Buffer.from(head), file, Buffer.from(`\r\n--${boundary}--\r\n`)]),
    headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}` },
  };
}

async function runTranscription(id: string): Promise<void> {
  const { context } = await attemptContext(pool, 'transcribe-document', { document_id: id });
  await transcribe.run(context);
}

function idsOf(page: { items: { id: string }[] }): string[] {
  return page.items.map(({ id }) => id);
}

function assertProblem(response: Answer, status: number, type: string) {
  assert.equal(response.status, status);
  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  const problem = response.json;
  assert.equal(problem.type, `/problems/${type}`);
  return problem;
}
