import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type pg from 'pg';
import refreshEmbeddings from '../../src/tasks/refresh-embeddings.ts';
import { attemptContext } from '../support/attempt-context.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { chunkedDocument, parsedDocument, runEmbedding, withEnvironment } from '../support/documents.ts';
import { json, silence, startScriptedServer } from '../support/scripted-server.ts';

let database: TestDatabase;
let pool: pg.Pool;

before(async () => {
  database = await createTestDatabase();
  pool = database.pool();
});
beforeEach(() => pool.query('truncate documents, tasks cascade'));
after(() => database.drop());

test('documents of another model, and of none, get a task, which is the document’s, and no second one', async () => {
  const old = await embedded();
  await pool.query("update parsed_documents set embedding_model = 'an-old-one'");
  const never = await chunkedDocument(pool, 'Two.');
  await withEnvironment({ EMBEDDINGS_URL: undefined }, () => runEmbedding(pool, never));
  const current = await embedded();

  assert.deepEqual((await refresh()).sort(), [old, never].sort());
  assert.deepEqual(await refresh(), []);
  const { embedding_status, status } = await parsedDocument(pool, old);
  assert.deepEqual([status, embedding_status], ['ready', 'pending']);
  assert.equal((await parsedDocument(pool, current)).embedding_status, 'done');
  const { rows } = await pool.query(
    "select t.priority from documents d join tasks t on t.id = any(d.task_ids) where d.id = $1 and t.type = 'embed-document'",
    [old],
  );
  assert.deepEqual(rows, [{ priority: 50 }]);
});

test('a document whose task ended without a word gets another one', async () => {
  const id = await chunkedDocument(pool, 'One.');
  assert.deepEqual(await refresh(), [id]);
  await pool.query("update tasks set status = 'failed' where type = 'embed-document'");
  assert.deepEqual(await refresh(), [id]);
});

test('what has failed is tried again when it is time, or once after a start', async () => {
  const id = await embedded();
  const fail = (retryAt: string, updatedAt = 'now()') =>
    pool.query(
      `update parsed_documents set embedding_status = 'failed', embedding_retry_at = ${retryAt}, updated_at = ${updatedAt}`,
    );
  await fail("now() + interval '1 minute'");
  assert.deepEqual(await refresh(), []);
  await fail('null');
  assert.deepEqual(await refresh(), []);
  await fail("now() - interval '1 second'");
  assert.deepEqual(await refresh(), [id]);
  await pool.query('truncate tasks cascade');
  await fail('null', "now() - interval '1 day'");
  assert.deepEqual(await refresh(), [id]);
});

test('a document under way, or not cut into chunks, is left alone', async () => {
  await chunkedDocument(pool, ' ');
  const other = await chunkedDocument(pool, 'One.');
  await pool.query("insert into tasks (type, params, status) values ('embed-document', $1, 'created')", [
    { document_id: other },
  ]);
  assert.deepEqual(await refresh(), []);
});

test('no more than a hundred are under way', async () => {
  for (let count = 0; count < 3; count += 1) await chunkedDocument(pool, 'One.');
  await pool.query(
    "insert into tasks (type, params, status) select 'embed-document', jsonb_build_object('document_id', gen_random_uuid()), 'queued' from generate_series(1, 98)",
  );
  assert.equal((await refresh()).length, 2);
});

test('an endpoint that does not answer is asked once, and no document gets a task', async () => {
  await chunkedDocument(pool, 'One.');
  await chunkedDocument(pool, 'Two.');
  const server = await startScriptedServer(json(503, { message: 'loading' }));
  const environment = { EMBEDDINGS_URL: server.url, EMBEDDINGS_MODEL: 'a-model' };
  await assert.rejects(refresh(environment), /status 503: loading/);
  assert.equal(server.heard.length, 1);
  await server.stop();
});

test('with nothing to do, and without configuration, nobody is asked', async () => {
  const server = await startScriptedServer(silence);
  assert.deepEqual(await refresh({ EMBEDDINGS_URL: server.url, EMBEDDINGS_MODEL: 'a-model' }), []);
  await chunkedDocument(pool, 'One.');
  assert.deepEqual(await refresh({ EMBEDDINGS_URL: undefined }), []);
  assert.equal(server.heard.length, 0);
  await server.stop();
});

/** @returns the documents that got a task */
async function refresh(
  environment: Record<string, string | undefined> = { EMBEDDINGS_URL: 'local' },
): Promise<string[]> {
  const { context } = await attemptContext(pool, 'refresh-embeddings', {});
  const submitted: string[] = [];
  const submit: typeof context.submit = async (type, params, options) => {
    const { document_id } = params as { document_id: string };
    submitted.push(document_id);
    const { rows } = await pool.query<{ id: string }>(
      "insert into tasks (type, params, status, priority) values ($1, $2, 'queued', $3) returning id",
      [type, params, options?.priority],
    );
    return { id: (rows[0] as { id: string }).id, deduplicated: false };
  };
  await withEnvironment(environment, async () => refreshEmbeddings.run({ ...context, submit }));
  return submitted;
}

async function embedded(): Promise<string> {
  const id = await chunkedDocument(pool, 'One.');
  await withEnvironment({ EMBEDDINGS_URL: 'local' }, () => runEmbedding(pool, id));
  return id;
}
