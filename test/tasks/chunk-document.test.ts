import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type pg from 'pg';
import chunkDocument from '../../src/tasks/chunk-document.ts';
import { PermanentError, StaleAttemptError } from '../../src/workers/define-task.ts';
import { attemptContext } from '../support/attempt-context.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { parsedDocument, runChunking, transcribedDocument } from '../support/documents.ts';

const TEXT = `${'The first page is about this. '.repeat(100)}\f\f${'第三ページです。'.repeat(400)}`;

let database: TestDatabase;
let pool: pg.Pool;

before(async () => {
  database = await createTestDatabase();
  pool = database.pool();
});

after(() => database.drop());

test('a text is cut into chunks that are exactly parts of it, with the task completed along', async () => {
  const id = await transcribedDocument(pool, TEXT);
  const { context, progress } = await attempt(id);
  await chunkDocument.run(context);

  const chunks = await chunksOf(id);
  assert.ok(chunks.length > 5);
  for (const [at, { chunk, start_offset, end_offset, page, text }] of chunks.entries()) {
    assert.equal(chunk, at);
    assert.equal(TEXT.slice(start_offset, end_offset), text);
    assert.ok(text.length <= 1200);
    assert.equal(page, TEXT.slice(0, start_offset).split('\f').length);
  }
  const { status, chunks: count, embedding_status } = await parsedDocument(pool, id);
  assert.deepEqual([status, count, embedding_status], ['embedding', chunks.length, 'pending']);
  const { rows } = await pool.query('select status, result from tasks where id = $1', [context.task.id]);
  assert.deepEqual(rows, [{ status: 'completed', result: { chunks: chunks.length } }]);
  assert.deepEqual(progress.at(-1), 1);
});

test('a document is cut anew as a whole: what was there is gone', async () => {
  const id = await transcribedDocument(pool, TEXT);
  await runChunking(pool, id);
  const before = await chunksOf(id);
  await pool.query("update parsed_documents set text = 'Only this.' where document_id = $1", [id]);
  await runChunking(pool, id);
  const after = await chunksOf(id);
  assert.deepEqual(
    after.map(({ text }) => text),
    ['Only this.'],
  );
  assert.notEqual(after[0].id, before[0].id);
});

test('a text of nothing but blanks has no chunks', async () => {
  const id = await transcribedDocument(pool, ' \n\f\n');
  await runChunking(pool, id);
  assert.equal((await parsedDocument(pool, id)).chunks, 0);
});

test('an attempt that no longer holds its task leaves no chunks', async () => {
  const id = await transcribedDocument(pool, TEXT);
  const { context } = await attempt(id);
  const complete = () => Promise.reject(new StaleAttemptError('claimed anew'));
  await assert.rejects(async () => chunkDocument.run({ ...context, complete }), StaleAttemptError);
  assert.deepEqual(await chunksOf(id), []);
  assert.equal((await parsedDocument(pool, id)).chunks, null);
});

test('an aborted attempt leaves no chunks, and may be run again', async () => {
  const id = await transcribedDocument(pool, TEXT);
  const { context, controller } = await attempt(id);
  controller.abort(new Error('the runner stops'));
  await assert.rejects(async () => chunkDocument.run(context), { message: 'the runner stops' });
  assert.deepEqual(await chunksOf(id), []);
  await runChunking(pool, id);
  assert.ok((await chunksOf(id)).length > 0);
});

describe('what no retry can help fails for good', () => {
  test('a document that is not there', async () => {
    const id = randomUUID();
    await assert.rejects(runChunking(pool, id), permanently(`there is no document ${id}`));
  });

  test('a document that is not transcribed', async () => {
    const id = await transcribedDocument(pool, '');
    await pool.query("update parsed_documents set text = null, status = 'queued' where document_id = $1", [
      id,
    ]);
    await assert.rejects(
      runChunking(pool, id),
      permanently(`the document ${id} has no text: transcribe it first`),
    );
    assert.equal((await parsedDocument(pool, id)).status, 'queued');
  });
});

function attempt(id: string) {
  return attemptContext(pool, 'chunk-document', { document_id: id });
}

async function chunksOf(id: string) {
  return (await pool.query('select * from document_chunks where document_id = $1 order by chunk', [id])).rows;
}

function permanently(message: string) {
  return (error: unknown) => {
    assert.ok(error instanceof PermanentError, String(error));
    assert.equal(error.message, message);
    return true;
  };
}
