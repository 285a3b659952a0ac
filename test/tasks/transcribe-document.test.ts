import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type pg from 'pg';
import transcribe from '../../src/tasks/transcribe-document.ts';
import { PermanentError, StaleAttemptError } from '../../src/workers/define-task.ts';
import { attemptContext } from '../support/attempt-context.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { PDF_READERS, withReader } from '../support/pdf-readers.ts';
import { sample } from '../support/samples.ts';
import { storedDocument } from '../support/stored-document.ts';

let database: TestDatabase;
let pool: pg.Pool;

before(async () => {
  database = await createTestDatabase();
  pool = database.pool();
});

after(() => database.drop());

for (const { name, skip } of PDF_READERS) {
  test(`${name}: a long PDF gets its text, and its task is completed with it`, { skip }, async () => {
    const id = await stored(await sample('debian-faq.en.pdf'));
    const { context, progress } = await attempt(id);
    await withReader(name, async () => transcribe.run(context));

    const parsed = await parsedDocument(id);
    assert.equal(parsed.status, 'chunking');
    assert.equal(parsed.pages, 73);
    assert.equal(parsed.transcribed_by, name);
    assert.equal(parsed.text.length, parsed.characters);
    assert.equal(parsed.text.split('\f').length, 73);
    assert.match(parsed.text, /^\s*The Debian GNU\/Linux FAQ/);

    const { status, result } = await task(context.task.id);
    assert.equal(status, 'completed');
    assert.deepEqual(Object.keys(result).sort(), ['characters', 'pages', 'transcribed_by', 'words']);
    assert.equal(result.characters, parsed.characters);
    assert.ok(result.words > 29_000 && result.words < 30_000, `${result.words} words`);
    assert.ok(progress.length > 0 && progress.every((fraction) => fraction > 0 && fraction < 1));
  });
}

describe('what no retry can help fails for good, and the document says why', () => {
  const cases: [string, () => Promise<Buffer>, string][] = [
    [
      'a scanned document',
      () => sample('scanned.pdf'),
      'the document has no text layer: its 2 pages are images, as a scanner makes them',
    ],
    [
      'an encrypted document',
      () => sample('user-password.pdf'),
      'the document is encrypted: a password is needed to open it',
    ],
    ['an empty file', async () => Buffer.alloc(0), 'the document is empty: the file has no bytes'],
    [
      'a file of another type',
      async () => Buffer.from('just words'),
      'the document is not a PDF: it does not begin with %PDF-',
    ],
  ];
  for (const [what, file, message] of cases) {
    test(what, async () => {
      const id = await stored(await file());
      const { context } = await attempt(id);
      await assert.rejects(async () => transcribe.run(context), permanently(message));
      const { status, error, text } = await parsedDocument(id);
      assert.deepEqual({ status, error, text }, { status: 'failed', error: message, text: null });
    });
  }

  test('a document that is not there', async () => {
    const id = randomUUID();
    const { context } = await attempt(id);
    await assert.rejects(async () => transcribe.run(context), permanently(`there is no document ${id}`));
  });
});

test('an attempt that no longer holds its task leaves nothing of the text', async () => {
  const id = await stored(await sample('two-columns-turkish.pdf'));
  const { context } = await attempt(id);
  const complete = () => Promise.reject(new StaleAttemptError('claimed anew'));
  await assert.rejects(async () => transcribe.run({ ...context, complete }), StaleAttemptError);
  const { status, text } = await parsedDocument(id);
  assert.deepEqual({ status, text }, { status: 'transcribing', text: null });
});

test('an aborted attempt may be run again', async () => {
  const id = await stored(await sample('owner-password.pdf'));
  const first = await attempt(id);
  first.controller.abort(new Error('the runner stops'));
  await assert.rejects(async () => transcribe.run(first.context), { message: 'the runner stops' });
  assert.equal((await parsedDocument(id)).status, 'transcribing');

  await transcribe.run((await attempt(id)).context);
  assert.equal((await parsedDocument(id)).status, 'chunking');
});

function stored(file: Buffer): Promise<string> {
  return storedDocument(pool, file);
}

function attempt(documentId: string) {
  return attemptContext(pool, 'transcribe-document', { document_id: documentId });
}

async function parsedDocument(id: string) {
  return (await pool.query('select * from parsed_documents where document_id = $1', [id])).rows[0];
}

async function task(id: string) {
  return (await pool.query('select * from tasks where id = $1', [id])).rows[0];
}

function permanently(message: string) {
  return (error: unknown) => {
    assert.ok(error instanceof PermanentError, String(error));
    assert.equal(error.message, message);
    return true;
  };
}
