import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type pg from 'pg';
import embedDocument from '../../src/tasks/embed-document.ts';
import { PermanentError, RetryAfter, StaleAttemptError } from '../../src/workers/define-task.ts';
import { LOCAL_MODEL } from '../../src/workers/shared/embeddings/local.ts';
import { attemptContext } from '../support/attempt-context.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  chunkedDocument,
  parsedDocument,
  runEmbedding,
  transcribedDocument,
  withEnvironment,
} from '../support/documents.ts';
import { embeddings } from '../support/embeddings-endpoint.ts';
import {
  hangUp,
  json,
  type Reply,
  type ScriptedServer,
  startScriptedServer,
} from '../support/scripted-server.ts';

/** 50 chunks and more: two batches. */
const TEXT = 'Each of these sentences is as long as the others are. '.repeat(1000);

let database: TestDatabase;
let pool: pg.Pool;

before(async () => {
  database = await createTestDatabase();
  pool = database.pool();
});

after(() => database.drop());

test('without configuration the step is skipped, and says so', async () => {
  const id = await chunkedDocument(pool, TEXT);
  const { context, lines } = await withEnvironment({ EMBEDDINGS_URL: undefined }, () =>
    runEmbedding(pool, id),
  );
  assert.deepEqual(await standing(id), {
    status: 'ready',
    embedding: 'none',
    model: null,
    dimension: null,
    error: null,
  });
  assert.match(lines.join(), /skipped: EMBEDDINGS_URL is not set/);
  assert.deepEqual(await taskOf(context.task.id), {
    status: 'completed',
    result: { skipped: 'EMBEDDINGS_URL is not set' },
  });
});

test('the local embedder needs no endpoint, and says its name', async () => {
  const id = await chunkedDocument(pool, TEXT);
  const { context } = await withEnvironment({ EMBEDDINGS_URL: 'local' }, () => runEmbedding(pool, id));
  const { chunks } = await parsedDocument(pool, id);
  assert.deepEqual(await standing(id), {
    status: 'ready',
    embedding: 'done',
    model: LOCAL_MODEL,
    dimension: 384,
    error: null,
  });
  assert.equal((await embeddingsOf(id)).length, chunks);
  assert.deepEqual((await taskOf(context.task.id)).result, {
    chunks,
    embedded: chunks,
    model: LOCAL_MODEL,
    dimension: 384,
  });
});

test('an endpoint is asked in batches, and every chunk gets a vector of length 1 and its signs', async () => {
  const id = await chunkedDocument(pool, TEXT);
  await withEndpoint([embeddings()], async (server) => {
    const { progress } = await runEmbedding(pool, id);
    assert.ok(server.heard.length > 1 && progress.length === server.heard.length && progress.at(-1) === 1);
    for (const { body } of server.heard) assert.ok(JSON.parse(body).input.length <= 32);
  });
  const rows = await embeddingsOf(id);
  assert.equal(rows.length, (await parsedDocument(pool, id)).chunks);
  for (const { model, dimension, embedding, signs } of rows) {
    assert.deepEqual([model, dimension], ['a-model', 8]);
    assert.ok(Math.abs(Math.hypot(...embedding) - 1) < 1e-5);
    assert.equal(signs, embedding.map((value: number) => (value > 0 ? '1' : '0')).join(''));
  }
});

test('a document without chunks is ready, and nobody is asked', async () => {
  const id = await chunkedDocument(pool, ' \n');
  await withEndpoint([hangUp], async (server) => {
    await runEmbedding(pool, id);
    assert.equal(server.heard.length, 0);
  });
  assert.equal((await standing(id)).embedding, 'done');
});

describe('an attempt that comes after another', () => {
  test('goes on after the batches that were kept', async () => {
    const id = await chunkedDocument(pool, TEXT);
    await withEndpoint([embeddings(), hangUp, embeddings()], async (server) => {
      await assert.rejects(runEmbedding(pool, id), { name: 'EmbeddingError' });
      const kept = (await embeddingsOf(id)).length;
      assert.equal(kept, 32);
      assert.equal((await standing(id)).embedding, 'pending');
      await runEmbedding(pool, id);
      const asked = server.heard.slice(2).flatMap(({ body }) => JSON.parse(body).input as string[]);
      assert.equal(asked.length, (await parsedDocument(pool, id)).chunks - kept);
    });
    assert.equal((await standing(id)).embedding, 'done');
  });

  test('has nothing to do when all was kept, but to say so', async () => {
    const id = await chunkedDocument(pool, TEXT);
    await withEndpoint([embeddings(), embeddings(), hangUp], async () => {
      const { context } = await attemptContext(pool, 'embed-document', { document_id: id });
      const complete = () => Promise.reject(new StaleAttemptError('claimed anew'));
      await assert.rejects(async () => embedDocument.run({ ...context, complete }), StaleAttemptError);
      assert.equal((await standing(id)).status, 'embedding');
      await runEmbedding(pool, id);
    });
    assert.deepEqual(await standing(id), { ...DONE, model: 'a-model', dimension: 8 });
  });

  test('replaces the embeddings of another model', async () => {
    const id = await chunkedDocument(pool, TEXT);
    await withEnvironment({ EMBEDDINGS_URL: 'local' }, () => runEmbedding(pool, id));
    await withEndpoint([embeddings()], () => runEmbedding(pool, id));
    assert.deepEqual(new Set((await embeddingsOf(id)).map(({ model }) => model)), new Set(['a-model']));
    assert.deepEqual(await standing(id), { ...DONE, model: 'a-model', dimension: 8 });
  });

  test('makes all anew when the model has another dimension than before', async () => {
    const id = await chunkedDocument(pool, TEXT);
    await withEndpoint([embeddings({ dimension: 8 }), hangUp, embeddings({ dimension: 12 })], async () => {
      await assert.rejects(runEmbedding(pool, id));
      await runEmbedding(pool, id);
    });
    assert.deepEqual(new Set((await embeddingsOf(id)).map(({ dimension }) => dimension)), new Set([12]));
    assert.deepEqual(await standing(id), { ...DONE, model: 'a-model', dimension: 12 });
  });
});

describe('trouble with the endpoint', () => {
  test('that may pass leaves the document pending, and says why', async () => {
    const id = await chunkedDocument(pool, TEXT);
    await withEndpoint([json(503, { message: 'loading' })], () =>
      assert.rejects(runEmbedding(pool, id), /503: loading/),
    );
    const { status, embedding, error } = await standing(id);
    assert.deepEqual([status, embedding], ['embedding', 'pending']);
    assert.match(error, /status 503: loading/);
  });

  test('that does not pass with the last retry leaves the document ready, without embeddings', async () => {
    const id = await chunkedDocument(pool, TEXT);
    await withEndpoint([hangUp], () => assert.rejects(runEmbedding(pool, id, { last: true })));
    const { status, embedding, model, error } = await standing(id);
    assert.deepEqual([status, embedding, model], ['ready', 'failed', 'a-model']);
    assert.match(error, /cannot be reached/);
    assert.ok((await parsedDocument(pool, id)).embedding_retry_at > new Date());
  });

  test('is snoozed for as long as it asks for', async () => {
    const id = await chunkedDocument(pool, TEXT);
    await withEndpoint([json(429, {}, { 'retry-after': '17' })], () =>
      assert.rejects(runEmbedding(pool, id, { last: true }), (error) => {
        assert.ok(error instanceof RetryAfter);
        assert.equal(error.seconds, 17);
        return true;
      }),
    );
    assert.equal((await standing(id)).embedding, 'pending');
  });

  const lasting: [string, Reply][] = [
    ['an unknown key', json(401, { error: { message: 'no such key' } })],
    ['an answer that is none', json(200, { data: [] })],
    ['HTML', (response) => void response.end('<html>')],
  ];
  for (const [what, reply] of lasting) {
    test(`that no retry can help: ${what}`, async () => {
      const id = await chunkedDocument(pool, TEXT);
      await withEndpoint([reply], () => assert.rejects(runEmbedding(pool, id), PermanentError));
      assert.deepEqual([(await standing(id)).status, (await standing(id)).embedding], ['ready', 'failed']);
      assert.equal((await parsedDocument(pool, id)).embedding_retry_at, null);
    });
  }

  test('a dimension that changes from batch to batch is no model', async () => {
    const id = await chunkedDocument(pool, TEXT);
    await withEndpoint([embeddings({ dimension: 8 }), embeddings({ dimension: 9 })], () =>
      assert.rejects(runEmbedding(pool, id), /vectors of 8, then of 9 numbers/),
    );
    assert.equal((await standing(id)).embedding, 'failed');
  });
});

test('an attempt that is aborted while it waits has failed nothing', async () => {
  const id = await chunkedDocument(pool, TEXT);
  const { context, controller } = await attemptContext(pool, 'embed-document', { document_id: id });
  const stopping: Reply = () => controller.abort(new Error('the runner stops'));
  await withEndpoint([stopping], () =>
    assert.rejects(async () => embedDocument.run(context), { message: 'the runner stops' }),
  );
  assert.deepEqual([(await standing(id)).embedding, (await standing(id)).error], ['pending', null]);
});

test('chunks that are made anew meanwhile get no embedding of what they were', async () => {
  const id = await chunkedDocument(pool, 'One chunk.');
  const answer = embeddings();
  const drop = () => pool.query('delete from document_chunks where document_id = $1', [id]);
  const late: Reply = (response, heard) => void drop().then(() => answer(response, heard));
  await withEndpoint([late], () => runEmbedding(pool, id));
  assert.deepEqual(await embeddingsOf(id), []);
});

test('a document that is not there, or not in chunks, fails for good', async () => {
  const unknown = randomUUID();
  const unchunked = await transcribedDocument(pool, TEXT);
  for (const EMBEDDINGS_URL of [undefined, 'local']) {
    await withEnvironment({ EMBEDDINGS_URL }, async () => {
      await assert.rejects(runEmbedding(pool, unknown), { name: 'PermanentError' });
    });
  }
  await withEnvironment({ EMBEDDINGS_URL: 'local' }, () =>
    assert.rejects(runEmbedding(pool, unchunked), /has no chunks: chunk it first/),
  );
});

const DONE = { status: 'ready', embedding: 'done', error: null };

async function standing(id: string) {
  const { status, embedding_status, embedding_model, embedding_dimension, embedding_error } =
    await parsedDocument(pool, id);
  return {
    status,
    embedding: embedding_status,
    model: embedding_model,
    dimension: embedding_dimension,
    error: embedding_error,
  };
}

async function embeddingsOf(id: string) {
  const { rows } = await pool.query(
    'select e.* from document_embeddings e join document_chunks c on c.id = e.chunk_id where c.document_id = $1',
    [id],
  );
  return rows;
}

async function taskOf(id: string) {
  return (await pool.query('select status, result from tasks where id = $1', [id])).rows[0];
}

async function withEndpoint<T>(
  script: [Reply, ...Reply[]],
  work: (server: ScriptedServer) => Promise<T>,
): Promise<T> {
  const server = await startScriptedServer(...script);
  const environment = {
    EMBEDDINGS_URL: `${server.url}/v1/embeddings`,
    EMBEDDINGS_MODEL: 'a-model',
    EMBEDDINGS_API_KEY: 'a-key',
  };
  try {
    return await withEnvironment(environment, () => work(server));
  } finally {
    await server.stop();
  }
}
