import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { embedderOf } from '../../../../src/workers/shared/embeddings/embedder.ts';
import { EmbeddingError } from '../../../../src/workers/shared/embeddings/error.ts';
import { altered, embeddings, vectorFor } from '../../../support/embeddings-endpoint.ts';
import {
  hangUp,
  json,
  type Reply,
  type ScriptedServer,
  silence,
  startScriptedServer,
} from '../../../support/scripted-server.ts';

const KEY = 'sk-a-secret-key-0123456789';
const TEXTS = ['one', 'two and more', 'three'];

describe('an endpoint that does as it should', () => {
  it('gets model, texts and key, and its vectors are made as long as 1', async () => {
    await withServer([embeddings()], async (server, ask) => {
      const vectors = await ask(TEXTS);
      assert.equal(vectors.length, 3);
      for (const [at, vector] of vectors.entries()) assertParallel(vector, vectorFor(TEXTS[at] as string));
      const [{ method, headers, body, path }] = server.heard as [(typeof server.heard)[number]];
      assert.deepEqual([method, path], ['POST', '/v1/embeddings']);
      assert.equal(headers.authorization, `Bearer ${KEY}`);
      assert.deepEqual(JSON.parse(body), { model: 'a-model', input: TEXTS });
    });
  });

  it('may answer in any order, in base64, or without indexes', async () => {
    const variants = [
      embeddings({ shuffled: true }),
      embeddings({ base64: true }),
      altered((data) => data.map(({ embedding }) => ({ embedding }))),
    ];
    for (const variant of variants) {
      await withServer([variant], async (_, ask) => {
        const vectors = await ask(TEXTS);
        for (const [at, vector] of vectors.entries()) assertParallel(vector, vectorFor(TEXTS[at] as string));
      });
    }
  });

  it('may give a vector of nothing but zeros', async () => {
    const zeros = altered((data) => data.map((one) => ({ ...one, embedding: [0, 0, 0] })));
    await withServer([zeros], async (_, ask) => {
      assert.deepEqual([...((await ask(['one']))[0] as Float32Array)], [0, 0, 0]);
    });
  });
});

describe('an answer that is none is never taken for one, and is not asked for again', () => {
  const wrong: [string, Reply, RegExp][] = [
    ['too few', altered((data) => data.slice(1)), /2 vectors for 3 texts/],
    ['too many', altered((data) => [...data, data[0]]), /4 vectors for 3 texts/],
    [
      'an index that is there twice',
      altered((data) => data.map((one) => ({ ...one, index: Math.min(one.index, 1) }))),
      /no vector with the index 2/,
    ],
    ['an index beyond', altered((data) => data.map((one) => ({ ...one, index: one.index + 1 }))), /index 0/],
    [
      'indexes that are text',
      altered((data) => data.map((one) => ({ ...one, index: `${one.index}` }))),
      /index 0/,
    ],
    [
      'dimensions that differ',
      altered((data) => data.map((one, at) => ({ ...one, embedding: Array(4 + at).fill(1) }))),
      /of 4 and of 5 numbers/,
    ],
    [
      'nothing in a vector',
      altered((data) => data.map((one) => ({ ...one, embedding: [] }))),
      /an empty vector/,
    ],
    [
      'something else than numbers',
      altered((data) => data.map((one) => ({ ...one, embedding: [1, null, 'x'] }))),
      /not a number/,
    ],
    [
      'a number beyond float32',
      altered((data) => data.map((one) => ({ ...one, embedding: [1e300, 1] }))),
      /not a number/,
    ],
    ['no vector', altered((data) => data.map(({ index }) => ({ index }))), /neither an array nor base64/],
    ['half a number', altered((data) => data.map((one) => ({ ...one, embedding: 'AAAAAAA=' }))), /base64/],
    ['null for an entry', altered((data) => data.map(() => null)), /neither an array nor base64/],
    ['no list', json(200, { data: 'none' }), /without a list/],
    ['null', json(200, null), /without a list/],
    ['HTML', (response) => response.end('<html>Welcome</html>'), /answered with HTML/],
    ['words', (response) => response.end('hello'), /not JSON/],
    ['nothing', (response) => response.end(), /not JSON/],
  ];
  for (const [what, reply, message] of wrong) {
    it(what, async () => {
      await fails(reply, { message, isPassing: false });
    });
  }

  it('one that has no end', async () => {
    const endless: Reply = (response) => {
      const part = '[1,1,1,1,1,1,1,1],'.repeat(50_000);
      const write = (): void => {
        while (!response.destroyed && response.write(part));
        response.once('drain', write);
      };
      write();
    };
    await fails(endless, { message: /more than 32 MiB/, isPassing: false });
  });
});

describe('trouble', () => {
  const passing: [string, Reply, RegExp][] = [
    ['408', json(408, {}), /status 408/],
    ['429', json(429, { error: { message: 'slow down' } }), /status 429: slow down$/],
    [
      '500 with HTML',
      (response) => response.writeHead(500).end('<h1>Oops</h1>'),
      /status 500: <h1>Oops<\/h1>/,
    ],
    ['503', json(503, { message: 'loading' }), /status 503: loading/],
    ['a connection that breaks', hangUp, /cannot be reached/],
    [
      'a connection that breaks in the middle of the answer',
      (response) => {
        response.writeHead(200, { 'content-length': '100000' });
        response.write('{"data": [', () => response.destroy());
      },
      /cannot be reached/,
    ],
  ];
  for (const [what, reply, message] of passing) {
    it(`${what} passes`, async () => {
      await fails(reply, { message, isPassing: true, retryAfterSeconds: null });
    });
  }

  const lasting: [string, Reply, RegExp][] = [
    ['400', json(400, { error: { message: 'too long' } }), /status 400: too long/],
    ['401', json(401, { error: { message: 'no such key' } }), /status 401: no such key/],
    ['404', json(404, { detail: 'Not Found' }), /status 404: Not Found/],
    [
      'a redirect, which would hand the texts to others',
      (response) => response.writeHead(308, { location: 'http://127.0.0.1:9/v2' }).end(),
      /status 308: a redirect to http/,
    ],
  ];
  for (const [what, reply, message] of lasting) {
    it(`${what} does not`, async () => {
      await fails(reply, { message, isPassing: false, retryAfterSeconds: null });
    });
  }

  it('says when to come again, in seconds or by a date', async () => {
    await fails(json(429, {}, { 'retry-after': '7' }), { isPassing: true, retryAfterSeconds: 7 });
    const soon = new Date(Date.now() + 30_000).toUTCString();
    const error = await fails(json(503, {}, { 'retry-after': soon }), { isPassing: true });
    assert.ok((error.retryAfterSeconds ?? 0) >= 25 && (error.retryAfterSeconds ?? 99) <= 31);
    await fails(json(429, {}, { 'retry-after': 'later' }), { retryAfterSeconds: null });
    await fails(json(429, {}, { 'retry-after': '999999999' }), { retryAfterSeconds: 3600 });
  });

  it('a server that hangs is not waited for longer than it may take', async () => {
    for (const hanging of [silence, (response) => void response.writeHead(200).write('{')] as Reply[]) {
      const startedAt = performance.now();
      await fails(hanging, { message: /did not answer within 0\.3 s/, isPassing: true }, 300);
      assert.ok(performance.now() - startedAt < 5000);
    }
  });

  it('a server that is not there passes', async () => {
    const gone = await startScriptedServer(silence);
    await gone.stop();
    const error = await failure(embedderAt(gone.url).embed(TEXTS, { timeoutMs: 5000 }));
    assert.match(error.message, /cannot be reached: connect ECONNREFUSED/);
    assert.equal(error.isPassing, true);
  });

  it('an abort is no trouble of the endpoint', async () => {
    await withServer([silence], async (server) => {
      const controller = new AbortController();
      const asked = embedderAt(server.url).embed(TEXTS, { timeoutMs: 5000, signal: controller.signal });
      controller.abort(new Error('the runner stops'));
      await assert.rejects(asked, { message: 'the runner stops' });
    });
  });

  it('never tells the key, also when the endpoint does', async () => {
    const error = await fails(json(401, { error: { message: `unknown key ${KEY}` } }), {});
    assert.doesNotMatch(
      JSON.stringify({ ...error, message: error.message, stack: error.stack }),
      /sk-a-secret/,
    );
    assert.match(error.message, /unknown key …/);
  });
});

function embedderAt(url: string) {
  return embedderOf({ kind: 'endpoint', url: `${url}/v1/embeddings`, model: 'a-model', apiKey: KEY });
}

async function withServer(
  script: [Reply, ...Reply[]],
  work: (server: ScriptedServer, ask: (texts: string[]) => Promise<Float32Array[]>) => Promise<void>,
): Promise<void> {
  const server = await startScriptedServer(...script);
  try {
    await work(server, (texts) => embedderAt(server.url).embed(texts, { timeoutMs: 10_000 }));
  } finally {
    await server.stop();
  }
}

/** The three texts are asked for once. */
async function fails(
  reply: Reply,
  { message, ...expected }: { message?: RegExp; isPassing?: boolean; retryAfterSeconds?: number | null },
  timeoutMs = 20_000,
): Promise<EmbeddingError> {
  const server = await startScriptedServer(reply);
  try {
    const error = await failure(embedderAt(server.url).embed(TEXTS, { timeoutMs }));
    if (message) assert.match(error.message, message);
    for (const [name, value] of Object.entries(expected))
      assert.equal(error[name as 'isPassing' | 'retryAfterSeconds'], value, name);
    assert.equal(server.heard.length, 1);
    return error;
  } finally {
    await server.stop();
  }
}

async function failure(asked: Promise<unknown>): Promise<EmbeddingError> {
  const error = await asked.then(
    () => assert.fail('it succeeded'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof EmbeddingError, String(error));
  return error;
}

function assertParallel(vector: Float32Array, numbers: number[]): void {
  const length = Math.hypot(...numbers);
  for (const [at, number] of numbers.entries())
    assert.ok(Math.abs((vector[at] as number) - number / length) < 1e-6);
}
