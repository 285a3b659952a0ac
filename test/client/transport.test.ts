import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { type ClientOptions, ConnectionError, createClient, HeddleError } from '../../src/client/index.ts';
import {
  hangUp,
  json,
  problem,
  type Reply,
  type ScriptedServer,
  silence,
  startScriptedServer,
} from '../support/scripted-server.ts';

let server: ScriptedServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

/** A client of a server that answers by a script. */
async function clientOf(script: [Reply, ...Reply[]], options: Partial<ClientOptions> = {}) {
  server = await startScriptedServer(...script);
  return { client: createClient({ url: `${server.url}/`, ...options }), heard: server.heard };
}

const TASK = { id: '1', status: 'queued' };
const soon = { 'retry-after': '0' };

describe('a request', () => {
  it('carries the token, and says what it brings and wants', async () => {
    const { client, heard } = await clientOf([json(200, TASK)], { token: 'secret' });
    await client.get('a/b');
    await client.submit('greet', { name: 'Ada' }, { priority: 5, run_at: new Date(0) });
    const [get, post] = heard;
    assert.equal(get?.path, '/api/v1/tasks/a%2Fb');
    assert.equal(get?.headers.authorization, 'Bearer secret');
    assert.equal(get?.headers.accept, 'application/json');
    assert.equal(post?.headers['content-type'], 'application/json');
    assert.deepEqual(JSON.parse(post?.body ?? ''), {
      type: 'greet',
      params: { name: 'Ada' },
      priority: 5,
      run_at: '1970-01-01T00:00:00.000Z',
    });
  });

  it('names what is looked for, lists by repetition', async () => {
    const { client, heard } = await clientOf([json(200, { items: [], total: 0, next_cursor: null })]);
    await client.taskPage({
      status: ['failed', 'cancelled'],
      q: 'a&b',
      created_after: new Date(0),
      limit: 5,
    });
    assert.equal(
      heard[0]?.path,
      '/api/v1/tasks?status=failed&status=cancelled&q=a%26b&created_after=1970-01-01T00%3A00%3A00.000Z&limit=5',
    );
  });

  it('is sent again, with the same key, when it was not answered or should come later', async () => {
    const script: [Reply, ...Reply[]] = [
      hangUp,
      problem(503, 'database-away', {}, soon),
      problem(409, 'idempotency-in-progress', {}, soon),
      json(201, TASK),
    ];
    const { client, heard } = await clientOf(script);
    assert.deepEqual(await client.submit('greet', {}), TASK);
    const keys = heard.map(({ headers }) => headers['idempotency-key']);
    assert.equal(keys.length, 4);
    assert.equal(new Set(keys).size, 1);
    assert.match(String(keys[0]), /^[\da-f-]{36}$/);
    await client.submit('greet', {}, { idempotencyKey: 'mine' });
    assert.equal(heard.at(-1)?.headers['idempotency-key'], 'mine');
  });

  it('waits for the same submission that is under way for as long as for an answer', async () => {
    const inProgress = problem(409, 'idempotency-in-progress');
    const { client, heard } = await clientOf([inProgress, inProgress, json(201, TASK)], { retries: 0 });
    assert.deepEqual(await client.submit('greet', {}), TASK);
    assert.equal(heard.length, 3);
  });

  it('comes as late as the API wishes', async () => {
    const { client } = await clientOf([
      problem(429, 'rate-limited', {}, { 'retry-after': '1' }),
      json(200, TASK),
    ]);
    const startedAt = performance.now();
    await client.get('1');
    assert.ok(performance.now() - startedAt >= 990);
  });

  it('is not sent again when it would do something else the second time', async () => {
    const { client, heard } = await clientOf([hangUp]);
    await assert.rejects(client.delete('1'), ConnectionError);
    await assert.rejects(client.runPeriodic('tick'), ConnectionError);
    assert.equal(heard.length, 2);
  });

  it('is given up after so many times', async () => {
    const { client, heard } = await clientOf([problem(503, 'database-away', {}, soon)], { retries: 1 });
    await assert.rejects(client.get('1'), { name: 'HeddleError', status: 503 });
    assert.equal(heard.length, 2);
  });
});

describe('what goes wrong', () => {
  it('is told as the API told it', async () => {
    const errors = [{ detail: 'is required', pointer: '/params/name' }];
    const { client, heard } = await clientOf([
      problem(422, 'invalid-params', { errors }, { 'x-request-id': 'r1' }),
    ]);
    await assert.rejects(client.submit('greet', {}), (error) => {
      assert.ok(error instanceof HeddleError);
      const { status, type, detail, message, requestId } = error;
      assert.deepEqual([status, type, requestId], [422, '/problems/invalid-params', 'r1']);
      assert.deepEqual([detail, message], ['It is invalid-params.', 'It is invalid-params.']);
      assert.deepEqual(error.errors, errors);
      return true;
    });
    assert.equal(heard.length, 1);
  });

  it('is told also when something else answers', async () => {
    const page: Reply = (response) => response.end('<html>');
    const { client } = await clientOf([page]);
    await assert.rejects(client.get('1'), {
      name: 'HeddleError',
      status: 200,
      type: 'about:blank',
      message: `${server?.url}/api/v1/tasks/1 answered 200 without saying why`,
    });
  });

  it('is that nobody is there', async () => {
    const client = createClient({ url: 'http://127.0.0.1:2', retries: 0 });
    await assert.rejects(client.stats(), {
      name: 'ConnectionError',
      message: 'cannot reach http://127.0.0.1:2/api/v1/stats: connect ECONNREFUSED 127.0.0.1:2',
    });
  });

  it('is that the answer takes too long, also its body', async () => {
    const half: Reply = (response) => {
      response.writeHead(200);
      response.write('{');
    };
    for (const reply of [silence, half]) {
      const { client } = await clientOf([reply], { timeoutMs: 50, retries: 0 });
      await assert.rejects(client.get('1'), /no answer within 0\.05 s/);
      await server?.stop();
    }
    server = undefined;
  });

  it('is not what the caller wanted to end', async () => {
    const { client } = await clientOf([silence]);
    const reason = new Error('enough');
    const caller = new AbortController();
    const wait = client.wait('1', { signal: caller.signal });
    caller.abort(reason);
    await assert.rejects(wait, reason);
    await assert.rejects(client.wait('1', { signal: AbortSignal.abort(reason) }), reason);
  });

  it('is no matter for somebody who asks how it is', async () => {
    const { client, heard } = await clientOf([json(503, { status: 'unavailable' })]);
    assert.equal((await client.health()).status, 'unavailable');
    assert.equal(heard.length, 1);
  });
});
