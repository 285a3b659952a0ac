import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { type Api, startApi } from '../../src/main/api.ts';
import { readConfig } from '../../src/main/config.ts';
import { ListenError } from '../../src/main/http/serving/server.ts';
import { captureEvents } from '../support/capture-events.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { publishTaskTypes } from '../support/task-types.ts';
import { waitFor } from '../support/wait-for.ts';

const config = readConfig({ PORT: '0' });
const NOWHERE = 'postgresql://nobody@127.0.0.1:1/nothing';

describe('the API on a port', () => {
  let database: TestDatabase;
  let api: Api;
  const events = captureEvents();
  const start = (databaseUrl = database.url, settings = config) =>
    startApi(settings, { databaseUrl, observe: events.observe, pendingMigrations: async () => [] });

  before(async () => {
    database = await createTestDatabase();
    await publishTaskTypes(database.pool());
    api = await start();
  });
  after(async () => {
    await api?.stop();
    await database?.drop();
  });

  const submit = (
    url: string,
    headers: Record<string, string> = {},
    domain = 'none',
    init: RequestInit = {},
  ) =>
    fetch(`${url}/api/v1/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ type: 'anything', domain }),
      ...init,
    });

  it('says where it listens, and answers there', async () => {
    assert.match(api.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.equal((await events.next('api_listening')).url, api.url);
    const response = await submit(api.url);
    assert.equal(response.status, 201);
    const found = await fetch(api.url + response.headers.get('location'));
    assert.deepEqual(await found.json(), await response.json());
  });

  it('refuses a large body without reading it to its end', async () => {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      'POST /api/v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
    for (let sent = 0; sent < 32; sent++) socket.write(chunk);
    const answer = await firstLine(socket);
    socket.destroy();
    assert.match(answer ?? '', /^HTTP\/1\.1 413 /);
  });

  it('answers a load balancer that asks in HTTP/1.0 and names no host', async () => {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    socket.write('GET /health/live HTTP/1.0\r\n\r\n');
    assert.equal(await firstLine(socket), 'HTTP/1.1 200 OK');
    socket.destroy();
  });

  it('warns of tokens that could be guessed, by name', async () => {
    const tokens = 'short:viewer:abcdefghijklmno,long:admin:abcdefghijklmnop';
    const other = await start(database.url, readConfig({ PORT: '0', API_TOKENS: tokens }));
    await other.stop();
    assert.deepEqual(events.of('weak_token'), [{ event: 'weak_token', name: 'short' }]);
  });

  it('names host and port when something else listens there', async () => {
    const port = new URL(api.url).port;
    await assert.rejects(start(database.url, readConfig({ PORT: port })), (error: Error) => {
      assert.ok(error instanceof ListenError);
      assert.equal(error.message, `cannot listen on 127.0.0.1:${port}: something else listens there already`);
      return true;
    });
  });

  it('lives without a database, and answers 503 until it is there', async () => {
    const away = await start(NOWHERE);
    try {
      const paths = ['tasks', 'tasks/0199abcd', 'task-types', 'periodic-tasks', 'runners'];
      const answers = await Promise.all(paths.map((path) => fetch(`${away.url}/api/v1/${path}`)));
      for (const response of [...answers, await submit(away.url)]) {
        assert.equal(response.status, 503);
        assert.equal(response.headers.get('retry-after'), '2');
        assert.equal(response.headers.get('content-type'), 'application/problem+json');
        assert.equal(((await response.json()) as { type: string }).type, '/problems/database-away');
      }
      const health = await fetch(`${away.url}/health`);
      assert.equal(health.status, 503);
      assert.equal((await fetch(`${away.url}/health/live`)).status, 200);
    } finally {
      await away.stop();
    }
  });

  it('answers 503 while the tables are not there', async () => {
    const empty = await createTestDatabase();
    const other = await start(empty.url);
    try {
      await empty.pool().query('drop table task_types');
      const response = await submit(other.url);
      assert.equal(response.status, 503);
      assert.equal(((await response.json()) as { type: string }).type, '/problems/not-migrated');
    } finally {
      await other.stop();
      await empty.drop();
    }
  });

  it('goes on when its connections are cut', async () => {
    await database.pool().query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = 'heddle api' and datname = current_database()`,
    );
    await waitFor('an answer', async () => (await submit(api.url)).status === 201);
  });

  it('no longer waits for a task when the client goes away', async () => {
    const client = new AbortController();
    const answer = submit(api.url, { prefer: 'wait=60' }, 'gone', { signal: client.signal });
    const looksWithin = async (seconds: number) => {
      const { rows } = await database.pool().query<{ looks: boolean }>(
        `select count(*) > 0 as looks from pg_stat_activity
         where application_name = 'heddle api' and datname = current_database()
           and query like '%unnest(%' and query_start > now() - make_interval(secs => $1)`,
        [seconds],
      );
      return rows[0]?.looks;
    };
    await waitFor('a look at the task', () => looksWithin(0.5));
    client.abort();
    await assert.rejects(answer);
    await waitFor('the looks to end', async () => !(await looksWithin(0.8)));
  });

  it('tells nobody what went wrong inside but the log', async () => {
    await database.pool().query('alter table tasks add constraint no_tasks check (false) not valid');
    try {
      const response = await submit(api.url, { 'x-request-id': 'find-me' });
      assert.equal(response.status, 500);
      assert.doesNotMatch(await response.text(), /no_tasks|insert|check/);
      const { method, path, message, request_id } = await events.next('request_failed');
      assert.deepEqual([method, path], ['POST', '/api/v1/tasks']);
      assert.match(message, /no_tasks/);
      assert.deepEqual([request_id, response.headers.get('x-request-id')], ['find-me', 'find-me']);
    } finally {
      await database.pool().query('alter table tasks drop constraint no_tasks');
    }
  });

  it('stops: ends idle connections at once, answers who waits, and takes nobody any more', async () => {
    const other = await start();
    const idle = connect(Number(new URL(other.url).port), '127.0.0.1');
    await once(idle, 'connect');
    const waiting = submit(other.url, { prefer: 'wait=60' }, 'waiting');
    await waitFor('the task that is waited for', async () => {
      const { rows } = await database.pool().query(`select from tasks where domain = 'waiting'`);
      return rows.length > 0;
    });
    const startedAt = performance.now();
    await other.stop();
    assert.ok(performance.now() - startedAt < 5000);
    assert.equal((await waiting).status, 201);
    await assert.rejects(fetch(other.url));
  });
});

async function firstLine(socket: Socket): Promise<string | undefined> {
  let text = '';
  socket.setEncoding('utf8');
  for await (const chunk of socket) {
    text += chunk;
    if (text.includes('\r\n')) break;
  }
  return text.split('\r\n')[0];
}
