import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type pg from 'pg';
import type { Listening } from '../../../../src/main/http/serving/server.ts';
import { PIECE_BYTES } from '../../../../src/workers/shared/file-store.ts';
import { publishDocumentTypes } from '../../../support/document-types.ts';
import { type RawConnection, rawConnection } from '../../../support/raw-http.ts';
import { sample } from '../../../support/samples.ts';
import { serve } from '../../../support/serve.ts';
import { type Answer, startTestApi, type TestApi } from '../../../support/test-api.ts';
import { waitFor } from '../../../support/wait-for.ts';

const MAX_UPLOADS = 2;

let api: TestApi;
let pool: pg.Pool;
let server: Listening;

before(async () => {
  api = await startTestApi({ env: { MAX_UPLOADS: String(MAX_UPLOADS), MAX_DOCUMENT_BYTES: '200000000' } });
  pool = api.database;
  server = await serve(api.app);
  await publishDocumentTypes(pool);
});

after(async () => {
  await server?.close();
  await api?.stop();
});

beforeEach(() => pool.query('truncate document_files, documents, tasks cascade'));

describe('the type is told by what is in the file', () => {
  const NAME = 'whatever.pdf';
  const readable: [string, () => Promise<Buffer>, string][] = [
    ['a PDF', () => sample('two-columns-turkish.pdf'), 'application/pdf'],
    ['a PDF with a line before it', async () => Buffer.from('HTTP/1.1 200\n\n%PDF-1.4 …'), 'application/pdf'],
    ['a DOCX', () => sample('footnotes.docx'), DOCX()],
    ['an ODT', () => sample('footnotes.odt'), 'application/vnd.oasis.opendocument.text'],
    ['a DOC', () => sample('footnotes.doc'), 'application/msword'],
    ['an RTF', () => sample('russian.rtf'), 'application/rtf'],
    ['a page', async () => Buffer.from('\ufeff<!-- x -->\n<!DOCTYPE html><p>'), 'text/html'],
    ['a page in UTF-16', async () => Buffer.from('\ufeff<html lang="en">', 'utf16le'), 'text/html'],
    ['a text', async () => Buffer.from('# Words\n\nabout a <p> and about %PDF-1.7'), 'text/plain'],
    ['a text in UTF-16 without a mark', async () => Buffer.from('just words', 'utf16le'), 'text/plain'],
    ['a text of one letter', async () => Buffer.from('a'), 'text/plain'],
  ];
  for (const [what, file, mediaType] of readable) {
    test(what, async () => {
      const { status, json } = await upload(await file(), NAME);
      assert.deepEqual([status, json.media_type, json.title], [201, mediaType, NAME]);
    });
  }

  const refused: [string, Buffer, RegExp][] = [
    ['a ZIP of something else', zipBeginning('xl/workbook.xml'), /a ZIP archive, and neither DOCX nor ODT/],
    [
      'an old Office file of something else',
      oleBeginning('Workbook'),
      /an old Office format, and not of Word/,
    ],
    ['a picture', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), /a type that cannot be read/],
    ['random bytes', randomBytes(5000), /a type that cannot be read/],
    ['nothing', Buffer.alloc(0), /is empty/],
  ];
  for (const [what, file, message] of refused) {
    test(`${what} is refused, and nothing is kept`, async () => {
      const answer = await upload(file, 'report.docx');
      assertProblem(answer, 422, 'invalid-document');
      assert.match(answer.json.detail, message);
      assert.equal(answer.json.errors[0].pointer, '/file');
      assert.equal(await count('document_files'), 0);
    });
  }
});

describe('names', () => {
  const names: [string, string][] = [
    ['../../etc/passwd', 'passwd'],
    ['a\r\nb%0d%0a.pdf', 'ab.pdf'],
    [`${'x'.repeat(4096)}.pdf`, 'x'.repeat(200)],
    ['日本語.pdf', '日本語.pdf'],
  ];
  for (const [name, title] of names) {
    test(`a file named ${JSON.stringify(name.slice(0, 30))} is titled ${title.slice(0, 10)}`, async () => {
      const answer = await upload(Buffer.from('%PDF-1.7'), name);
      assert.deepEqual([answer.status, answer.json.title.replace(/%0D|%0A|%0d|%0a/g, '')], [201, title]);
    });
  }
});

describe('a text as JSON', () => {
  test('is a document of its bytes', async () => {
    const { status, json } = await asJson({ title: 'Größe', text: 'Wörter' });
    assert.equal(status, 201);
    assert.deepEqual([json.title, json.media_type, json.bytes], ['Größe', 'text/plain', 7]);
    const again = await upload(Buffer.from('Wörter'));
    assert.deepEqual([again.status, again.json.id], [200, json.id]);
  });

  const wrong: [unknown, string][] = [
    [{ title: 'a' }, '/text'],
    [{ title: '', text: 'b' }, '/title'],
    [{ title: 'a', text: '' }, '/text'],
    [{ title: 'a'.repeat(201), text: 'b' }, '/title'],
    [{ title: 'a', text: 'b\u0000' }, '/text'],
    [{ title: 'a', text: 'b', more: 1 }, '/more'],
    [[], ''],
  ];
  for (const [body, pointer] of wrong) {
    test(`${JSON.stringify(body).slice(0, 40)} is refused at "${pointer}"`, async () => {
      const answer = await asJson(body);
      assertProblem(answer, 422, 'invalid-body');
      assert.equal(answer.json.errors[0].pointer, pointer);
    });
  }
});

describe('the charset of a text', () => {
  test('is kept, by its own name', async () => {
    assert.equal((await upload(Buffer.from('abc'), 'a.txt', { charset: 'latin1' })).status, 201);
    assert.deepEqual((await pool.query('select charset from documents')).rows, [{ charset: 'windows-1252' }]);
  });

  test('is refused when nobody knows it', async () => {
    const answer = await upload(Buffer.from('abc'), 'a.txt', { charset: 'klingon' });
    assertProblem(answer, 422, 'invalid-document');
    assert.equal(answer.json.errors[0].pointer, '/charset');
    assert.equal(await count('document_files'), 0);
  });
});

test('a body that is missing is 400', async () => {
  assertProblem(await api.send('/api/v1/documents', { method: 'POST' }), 400, 'missing-body');
});

test('other media types are refused, in words that tell what to send', async () => {
  const body = { method: 'POST', headers: { 'Content-Type': 'application/pdf' }, body: '%PDF-1.7' };
  const answer = await api.send('/api/v1/documents', body);
  assertProblem(answer, 415, 'unsupported-media-type');
  assert.match(answer.json.detail, /multipart\/form-data/);
});

test('what a document was not made of goes at once: the same bytes again leave no second file', async () => {
  const file = randomBytes(3 * PIECE_BYTES + 5);
  file.write('%PDF-1.7');
  assert.equal((await upload(file)).status, 201);
  assert.equal((await upload(file, 'again.pdf')).status, 200);
  assert.deepEqual([await count('document_files'), await count('document_pieces')], [1, 4]);
});

test('while a large file comes in, no transaction is open and a few pieces are in memory', async () => {
  const bytes = 100 * PIECE_BYTES;
  const before = heldBytes();
  let most = 0;
  async function* body() {
    yield Buffer.from(HEAD);
    const piece = randomBytes(PIECE_BYTES);
    for (let sent = 0; sent < bytes; sent += PIECE_BYTES) {
      if (sent === 0) piece.write('%PDF-1.7');
      yield piece;
      if (sent % (20 * PIECE_BYTES) === 0) most = Math.max(most, heldBytes());
    }
    assert.equal((await pool.query(OPEN_TRANSACTIONS)).rowCount, 0);
    assert.equal(await count('documents'), 0);
    yield Buffer.from(TAIL);
  }
  const response = await fetch(`${server.url}/api/v1/documents`, streamed(body()));
  assert.equal(response.status, 201);
  assert.equal(((await response.json()) as { bytes: number }).bytes, bytes);
  const grown = (most - before) / PIECE_BYTES;
  assert.ok(grown < 40, `it grew by ${grown.toFixed()} MiB`);
});

/** Without garbage. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { external, heapUsed } = process.memoryUsage();
  return external + heapUsed;
}

/** Of others than who asks. */
const OPEN_TRANSACTIONS = `
select from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and state like 'idle in transaction%'`;

describe('a client that breaks off', () => {
  test('leaves nothing', async () => {
    const connection = await rawConnection(server.url);
    connection.write(REQUEST(10_000_000));
    connection.write(Buffer.concat([Buffer.from(`${HEAD}%PDF-1.7`), Buffer.alloc(2_500_000, 'x')]));
    await waitFor('two pieces', async () => (await count('document_pieces')) === 2);
    connection.socket.destroy();
    await waitFor('it to be gone', async () => (await count('document_files')) === 0);
    assert.equal(await count('document_pieces'), 0);
    assert.equal(await count('documents'), 0);
  });

  test('gives its place back: more than there are places wait, and are told to come again', async () => {
    const slow: RawConnection[] = [];
    while (slow.length < MAX_UPLOADS) slow.push(await begin(slow.length + 1));
    const refusals = api.events.of('upload_refused').length;
    const answer = await upload(Buffer.from('%PDF-1.7'));
    assertProblem(answer, 503, 'too-many-uploads');
    assert.equal(answer.headers.get('retry-after'), '5');
    assert.deepEqual(api.events.of('upload_refused').slice(refusals), [
      { event: 'upload_refused', limit: MAX_UPLOADS },
    ]);
    for (const connection of slow) connection.socket.destroy();
    await waitFor('a place', async () => (await upload(Buffer.from('%PDF-1.7'))).status !== 503);
  });

  /** An upload that goes no further. The place of one that broke off is given back after others see that it is gone. */
  function begin(nth: number): Promise<RawConnection> {
    return waitFor('a place', async () => {
      const connection = await rawConnection(server.url);
      connection.write(`${REQUEST(1000)}${HEAD}%PDF-1.7`);
      const hasBegun = async () => (await count('document_files')) === nth;
      await waitFor('it to begin', async () => connection.received() !== '' || (await hasBegun()));
      return connection.received() === '' ? connection : null;
    });
  }
});

test('a refusal is heard by a client that is still sending', async () => {
  async function* body() {
    yield Buffer.from(HEAD);
    for (let sent = 0; sent < 20; sent += 1) yield randomBytes(PIECE_BYTES);
    yield Buffer.from(TAIL);
  }
  const response = await fetch(`${server.url}/api/v1/documents`, streamed(body()));
  assert.equal(response.status, 422);
  assert.match(((await response.json()) as { detail: string }).detail, /cannot be read/);
});

test('a database that goes away in the middle is 503, and not a fault of the form', async () => {
  await pool.query('alter table document_pieces rename to elsewhere');
  try {
    assertProblem(await upload(randomPdf(2 * PIECE_BYTES)), 503, 'not-migrated');
  } finally {
    await pool.query('alter table elsewhere rename to document_pieces');
  }
  assert.equal(await count('document_files'), 0);
});

const HEAD = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n';
const TAIL = '\r\n--b--\r\n';

function REQUEST(length: number): string {
  return `POST /api/v1/documents HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: ${length}\r\n\r\n`;
}

function streamed(body: AsyncIterable<Uint8Array>): RequestInit {
  const headers = { 'Content-Type': 'multipart/form-data; boundary=b' };
  return { method: 'POST', headers, body: ReadableStream.from(body), duplex: 'half' } as RequestInit;
}

function DOCX(): string {
  return 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';
}

function randomPdf(bytes: number): Buffer {
  const file = randomBytes(bytes);
  file.write('%PDF-1.7');
  return file;
}

function zipBeginning(name: string): Buffer {
  const head = Buffer.from('504b03041400000008000000210000000000000000000000000000000000', 'hex');
  head.writeUInt16LE(name.length, 26);
  return Buffer.concat([head, Buffer.from(name), Buffer.alloc(100, 'x')]);
}

function oleBeginning(stream: string): Buffer {
  return Buffer.concat([
    Buffer.from('d0cf11e0a1b11ae1', 'hex'),
    Buffer.alloc(504),
    Buffer.from(stream, 'utf16le'),
  ]);
}

function upload(file: Buffer, name = 'sample.pdf', fields: Record<string, string> = {}): Promise<Answer> {
  const form = new FormData();
  form.set('file', new File([new Uint8Array(file)], name, { type: 'text/misleading' }));
  for (const [field, value] of Object.entries(fields)) form.set(field, value);
  return api.send('/api/v1/documents', { method: 'POST', body: form });
}

function asJson(body: unknown): Promise<Answer> {
  return api.call('POST', '/api/v1/documents', body);
}

async function count(table: string): Promise<number> {
  return (await pool.query(`select from ${table}`)).rowCount ?? -1;
}

function assertProblem({ status, json }: Answer, wanted: number, type: string): void {
  assert.deepEqual([status, json.type], [wanted, `/problems/${type}`]);
}
