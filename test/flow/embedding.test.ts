import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { chunkedDocument, parsedDocument, transcribedDocument } from '../support/documents.ts';
import { embeddings } from '../support/embeddings-endpoint.ts';
import { FaultBench } from '../support/fault-bench.ts';
import {
  type Heard,
  json,
  type Reply,
  type ScriptedServer,
  startScriptedServer,
} from '../support/scripted-server.ts';
import { startTestApi } from '../support/test-api.ts';
import { waitFor } from '../support/wait-for.ts';

/** Three batches. */
const TEXT = 'Each of these sentences is as long as the others are. '.repeat(1800);

describe('documents on their way to being found', { concurrency: false }, () => {
  let bench: FaultBench;
  let server: ScriptedServer;
  /** What the endpoint does next. */
  let reply: Reply = embeddings();
  let env: Record<string, string>;

  before(async () => {
    bench = await FaultBench.open();
    server = await startScriptedServer((response, heard) => reply(response, heard));
    env = {
      EMBEDDINGS_URL: `${server.url}/v1/embeddings`,
      EMBEDDINGS_MODEL: 'a-model',
      EMBEDDINGS_API_KEY: 'a-secret-key',
    };
  });
  after(async () => {
    await bench?.close();
    await server?.stop();
  });

  it('go on after the batches that were kept when their runner is killed in the middle', async () => {
    const pool = bench.database.pool();
    const id = await chunkedDocument(pool, TEXT);
    const chunks = (await parsedDocument(pool, id)).chunks as number;
    const answer = embeddings();
    // The second batch gets no answer.
    reply = (response, heard) => {
      if (server.heard.length === 1) answer(response, heard);
    };
    const first = await bench.runner(env);
    const task = await bench.submit('embed-document', { document_id: id });
    await waitFor('the second batch', () => server.heard.length === 2, 20_000);
    await bench.kill(first);
    assert.equal(await embedded(bench), 32);

    reply = answer;
    const second = await bench.runner(env);
    const { result } = await bench.finished(task, 30_000);
    assert.deepEqual(result, { chunks, embedded: chunks - 32, model: 'a-model', dimension: 8 });
    assert.equal(await embedded(bench), chunks);
    assert.equal(textsOf(server.heard.slice(2)).length, chunks - 32);
    assert.equal((await parsedDocument(pool, id)).embedding_status, 'done');
    // A connection that is kept open is nothing that an attempt left behind.
    assert.deepEqual(second.events('thread_dirty'), []);
    assert.doesNotMatch(first.stdout + second.stdout, /a-secret-key/);
  });

  it('are snoozed while the endpoint asks for that, and use up no retry', async () => {
    const id = await chunkedDocument(bench.database.pool(), 'One sentence.');
    const answer = embeddings();
    const before = server.heard.length;
    reply = (response, heard) =>
      server.heard.length <= before + 2
        ? json(429, { error: { message: 'slow down' } }, { 'retry-after': '1' })(response, heard)
        : answer(response, heard);
    const task = await bench.submit('embed-document', { document_id: id }, { max_retries: 0 });
    const { status, attempt } = await bench.finished(task);
    assert.deepEqual([status, attempt], ['completed', 1]);
    assert.deepEqual(await bench.outcomes(task), ['snoozed', 'snoozed']);
  });

  it('are cut, embedded and found, one task after the other', async () => {
    const pool = bench.database.pool();
    reply = embeddings();
    const id = await transcribedDocument(pool, `${TEXT}\fThe zanzibar page. 桑给巴尔`, 'zanzibar.txt');
    const { rows } = await bench.query<{ chunk: string; embed: string }>(
      `with chunk as (select heddle_submit('chunk-document', $1) as id)
       select id as chunk, heddle_submit('embed-document', $1,
         options => jsonb_build_object('depends_on', jsonb_build_array(id))) as embed
       from chunk`,
      [{ document_id: id }],
    );
    const [{ chunk, embed }] = rows as [{ chunk: string; embed: string }];
    await pool.query('update documents set task_ids = array[$2, $3]::uuid[] where id = $1', [
      id,
      chunk,
      embed,
    ]);
    assert.equal((await bench.finished(embed, 30_000)).status, 'completed');

    const api = await startTestApi({ env, database: pool });
    try {
      for (const q of ['zanzibar', '桑给巴尔']) {
        const { json: answer } = await api.call(
          'GET',
          `/api/v1/documents/search?q=${encodeURIComponent(q)}&limit=1`,
        );
        assert.equal(answer.method, 'hybrid');
        assert.deepEqual([answer.items[0].title, answer.items[0].page], ['zanzibar.txt', 2]);
      }
      const { json: document } = await api.call('GET', `/api/v1/documents/${id}`);
      assert.equal(document.status, 'ready');
      assert.deepEqual(document.embedding, { status: 'done', model: 'a-model', dimension: 8, error: null });
    } finally {
      await api.stop();
    }
  });

  it('are embedded anew when a runner starts with another model', async () => {
    await bench.endAll();
    reply = embeddings({ dimension: 12 });
    await bench.runner({ ...env, EMBEDDINGS_MODEL: 'another' });
    // Its tick of the runner before is less than a minute old.
    const api = await startTestApi({ env, database: bench.database.pool() });
    assert.equal((await api.call('POST', '/api/v1/periodic-tasks/refresh-embeddings/run')).status, 200);
    await api.stop();
    await waitFor(
      'all documents to have embeddings of the other model',
      async () => {
        const { rows } = await bench.query(
          "select count(*)::int as old from parsed_documents where not (embedding_model = 'another' and embedding_status = 'done')",
        );
        return rows[0]?.old === 0;
      },
      60_000,
    );
    const { rows } = await bench.query('select distinct model, dimension from document_embeddings');
    assert.deepEqual(rows, [{ model: 'another', dimension: 12 }]);
  });
});

async function embedded(bench: FaultBench): Promise<number> {
  return (await bench.query('select from document_embeddings')).rowCount ?? 0;
}

function textsOf(heard: readonly Heard[]): string[] {
  return heard.flatMap(({ body }) => (JSON.parse(body) as { input: string[] }).input);
}
