import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { Hono } from 'hono';
import { z } from 'zod';
import { answerWithoutRoute } from '../../../../src/main/http/answers/no-route.ts';
import { Entrance } from '../../../../src/main/http/entrance.ts';
import { readBody } from '../../../../src/main/http/requests/body.ts';
import { ListenError, type Listening, listen } from '../../../../src/main/http/serving/server.ts';
import type { ServerLimits } from '../../../../src/main/http/serving/server-limits.ts';
import { captureEvents } from '../../../support/capture-events.ts';
import {
  exchange,
  parseAnswers,
  type RawAnswer,
  type RawConnection,
  rawConnection,
} from '../../../support/raw-http.ts';
import { serve } from '../../../support/serve.ts';
import { waitFor } from '../../../support/wait-for.ts';

const MAX_BODY = 2000;
const HOST = 'Host: localhost\r\n';
const JSON_TYPE = 'Content-Type: application/json\r\n';
const CLOSE = 'Connection: close\r\n';

const { observe, of } = captureEvents();
const opened: Listening[] = [];
after(async () => {
  for (const server of opened) await server.close();
});

/** A server with few routes and short patience. */
async function start(limits: Partial<ServerLimits> = {}, maxConnections = 100): Promise<Listening> {
  const app = new Hono();
  const entrance = new Entrance({ observe });
  const get = entrance.through('/', (c) => c.json({ path: c.req.path }));
  const post = entrance.through('/', async (c) => c.json(await readBody(c, z.looseObject({}), MAX_BODY)));
  app.get('/', get).post('/', post);
  app.get('/silent', () => new Promise<Response>(() => {}));
  answerWithoutRoute(app, entrance);
  const server = await serve(app, { observe, limits, maxConnections });
  opened.push(server);
  return server;
}

function assertProblem(answer: RawAnswer | undefined, status: number): void {
  assert.equal(answer?.status, status);
  assert.equal(answer.headers.get('content-type'), 'application/problem+json');
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
  assert.match(answer.headers.get('x-request-id') ?? '', /^[\w-]{36}$/);
  const problem = JSON.parse(answer.body) as Record<string, unknown>;
  assert.equal(problem.status, status);
  assert.match(String(problem.type), /^\/problems\//);
}

describe('what is no proper request', () => {
  let url: string;
  before(async () => {
    ({ url } = await start());
  });

  const cases: [what: string, request: string, status: number][] = [
    ['nonsense', 'nonsense\r\n\r\n', 400],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['two Hosts', `GET / HTTP/1.1\r\n${HOST}Host: other\r\n\r\n`, 400],
    ['an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', 400],
    ['a Host with an impossible address', 'GET /nothing HTTP/1.1\r\nHost: 1.2.3.999\r\n\r\n', 400],
    ['a Host with a broken escape', 'GET / HTTP/1.1\r\nHost: %zz\r\n\r\n', 400],
    ['a Host with a path', 'GET / HTTP/1.1\r\nHost: localhost/x?y#z\r\n\r\n', 400],
    ['a Host with a user', 'GET / HTTP/1.1\r\nHost: me@localhost\r\n\r\n', 400],
    ['a Host with an impossible port', 'GET / HTTP/1.1\r\nHost: localhost:99999\r\n\r\n', 400],
    ['an address that is none', `GET http://% HTTP/1.1\r\n${HOST}${CLOSE}\r\n`, 400],
    ['no address but a star', `OPTIONS * HTTP/1.1\r\n${HOST}${CLOSE}\r\n`, 400],
    ['an unknown method', `BREW / HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['a header without a name', `GET / HTTP/1.1\r\n${HOST}: x\r\n\r\n`, 400],
    ['a header with a NUL character', `GET / HTTP/1.1\r\n${HOST}X: a\0b\r\n\r\n`, 400],
    ['two lengths', `POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}`, 400],
    [
      'a length and chunks',
      `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['a negative length', `POST / HTTP/1.1\r\n${HOST}Content-Length: -1\r\n\r\n`, 400],
    ['a very long address', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n${HOST}\r\n`, 431],
    ['a very long header', `GET / HTTP/1.1\r\n${HOST}X: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['101 headers', `GET / HTTP/1.1\r\n${HOST}${'X: y\r\n'.repeat(100)}\r\n`, 431],
    ['more headers than Node looks at', `GET / HTTP/1.1\r\n${HOST}${'X: y\r\n'.repeat(1000)}\r\n`, 431],
    ['expectations', `GET / HTTP/1.1\r\n${HOST}Expect: everything\r\n\r\n`, 417],
    ['CONNECT', `CONNECT localhost:1 HTTP/1.1\r\n${HOST}\r\n`, 405],
  ];
  for (const [what, request, status] of cases) {
    it(`is refused with ${status}: ${what}`, async () => {
      const answers = await exchange(url, Buffer.from(request, 'latin1'));
      assert.equal(answers.length, 1);
      assertProblem(answers[0], status);
    });
  }

  it('and the server lives on', async () => {
    assert.equal((await fetch(url)).status, 200);
    assert.deepEqual(of('request_failed'), []);
  });
});

describe('what is proper, but rare', () => {
  let url: string;
  before(async () => {
    ({ url } = await start());
  });

  it('is answered: HTTP/1.0, with and without a Host', async () => {
    for (const host of ['', HOST]) {
      const [answer] = await exchange(url, `GET / HTTP/1.0\r\n${host}\r\n`);
      assert.equal(answer?.status, 200);
    }
  });

  it('is answered: HEAD, without a body', async () => {
    const response = await fetch(url, { method: 'HEAD' });
    assert.deepEqual([response.status, await response.text()], [200, '']);
  });

  it('is answered: an address of 15,000 characters and 100 headers', async () => {
    const long = `GET /?${'x'.repeat(15_000)} HTTP/1.1\r\n${HOST}${CLOSE}\r\n`;
    assert.equal((await exchange(url, long))[0]?.status, 200);
    const many = `GET / HTTP/1.1\r\n${HOST}${CLOSE}${'X: y\r\n'.repeat(98)}\r\n`;
    assert.equal((await exchange(url, many))[0]?.status, 200);
  });

  it('is answered: a whole address, and one in brackets', async () => {
    for (const request of [
      `GET ${url}/ HTTP/1.1\r\n${HOST}${CLOSE}\r\n`,
      `GET / HTTP/1.1\r\nHost: [::1]:8000\r\n${CLOSE}\r\n`,
    ]) {
      assert.equal((await exchange(url, request))[0]?.status, 200);
    }
  });

  it('is answered in its order: requests that do not wait for an answer', async () => {
    const get = (path: string) => `GET ${path} HTTP/1.1\r\n${HOST}\r\n`;
    const post = `POST / HTTP/1.1\r\n${HOST}${JSON_TYPE}Content-Length: 7\r\n\r\n{"a":1}`;
    const last = `GET /nothing HTTP/1.1\r\n${HOST}${CLOSE}\r\n`;
    const answers = await exchange(url, get('/') + post + get('/nothing') + post + last);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 404, 200, 404],
    );
    assert.equal(answers[1]?.body, '{"a":1}');
  });

  it('is answered: what came before something that is no request', async () => {
    const post = `POST / HTTP/1.1\r\n${HOST}${JSON_TYPE}Content-Length: 7\r\n\r\n{"a":1}`;
    const [first, second, third] = await exchange(url, `${post}${post}nonsense\r\n\r\n`);
    assert.deepEqual([first?.status, second?.status], [200, 200]);
    assertProblem(third, 400);
  });

  it('is ignored: the body of a GET', async () => {
    const get = `GET / HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\nGET /none`;
    const answers = await exchange(url, `${get}GET / HTTP/1.1\r\n${HOST}${CLOSE}\r\n`);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
    );
  });

  it('is a problem like others: TRACE and methods that no route knows', async () => {
    for (const method of ['TRACE', 'PROPFIND', 'M-SEARCH', 'QUERY', 'PUT']) {
      const [answer] = await exchange(url, `${method} / HTTP/1.1\r\n${HOST}${CLOSE}\r\n`);
      assertProblem(answer, 405);
    }
  });
});

describe('a body', () => {
  let url: string;
  before(async () => {
    ({ url } = await start());
  });
  const head = (more: string) => `POST / HTTP/1.1\r\n${HOST}${JSON_TYPE}${more}\r\n`;

  it('that is announced as too large is refused before it comes', async () => {
    const connection = await rawConnection(url);
    connection.write(head('Content-Length: 999999999\r\n'));
    await waitFor('the answer', () => connection.received() !== '');
    assertProblem(parseAnswers(connection.received())[0], 413);
    connection.socket.destroy();
  });

  it('that is larger than announced is what comes after it', async () => {
    const answers = await exchange(url, `${head('Content-Length: 2\r\n')}{}{"more": true}`);
    assert.equal(answers[0]?.status, 200);
    assertProblem(answers[1], 400);
  });

  it('that never comes as a whole is 408', async () => {
    const impatient = await start({ requestTimeout: 300, headersTimeout: 300 });
    for (const started of [head('Content-Length: 10\r\n'), `${head('Content-Length: 10\r\n')}{"a"`]) {
      assertProblem((await exchange(impatient.url, started))[0], 408);
    }
    const chunked = `${head('Transfer-Encoding: chunked\r\n')}2\r\n{"\r\n`;
    assertProblem((await exchange(impatient.url, chunked))[0], 408);
  });

  it('that comes in pieces is put together, also in the middle of a character', async () => {
    const bytes = Buffer.from('{"a":"ä€😀"}');
    for (const isChunked of [true, false]) {
      const connection = await rawConnection(url);
      connection.socket.setNoDelay();
      connection.write(
        head(`${isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${bytes.length}`}\r\n${CLOSE}`),
      );
      for (const byte of bytes) {
        connection.write(isChunked ? Buffer.from([49, 13, 10, byte, 13, 10]) : Buffer.from([byte]));
        await new Promise(setImmediate);
      }
      if (isChunked) connection.write('0\r\n\r\n');
      const [answer] = await connection.answers();
      assert.equal(answer?.body, bytes.toString('utf8'));
    }
  });

  it('that turns out to be too large is refused', async () => {
    const chunk = `400\r\n${' '.repeat(1024)}\r\n`;
    const connection = await rawConnection(url);
    connection.write(head('Transfer-Encoding: chunked\r\n') + chunk.repeat(2));
    await waitFor('the answer', () => connection.received() !== '');
    assertProblem(parseAnswers(connection.received())[0], 413);
    connection.socket.destroy();
  });

  it('whose sender goes away is no failure of this side', async () => {
    const connection = await rawConnection(url);
    connection.write(`${head('Content-Length: 10\r\n')}{"a"`);
    connection.socket.destroy();
    assert.equal((await fetch(url)).status, 200);
    assert.deepEqual(of('request_failed'), []);
  });

  it('that is compressed is not unpacked', async () => {
    const [answer] = await exchange(
      url,
      `${head(`Content-Encoding: gzip\r\nContent-Length: 4\r\n${CLOSE}`)}\x1f\x0b\x08\x00`,
    );
    assertProblem(answer, 415);
  });

  it('is asked for when somebody reads it', async () => {
    const connection = await rawConnection(url);
    connection.write(head('Expect: 100-continue\r\nContent-Length: 7\r\n'));
    await waitFor('the consent', () => connection.received().startsWith('HTTP/1.1 100 Continue\r\n\r\n'));
    connection.write(`{"a":1}GET / HTTP/1.1\r\n${HOST}${CLOSE}\r\n`);
    const [consent, answer, next] = await connection.answers();
    assert.deepEqual([consent?.status, answer?.status, answer?.body], [100, 200, '{"a":1}']);
    assert.equal(next?.status, 200, 'the connection is used again');
  });

  it('is not asked for when it is too large, or nobody wants it', async () => {
    for (const [request, status] of [
      [head('Expect: 100-continue\r\nContent-Length: 999999\r\n'), 413],
      [head('Expect: 100-continue\r\nContent-Length: 9\r\n').replace('POST /', 'POST /nothing'), 404],
    ] as const) {
      const answers = await exchange(url, request);
      assert.equal(answers.length, 1);
      assertProblem(answers[0], status);
    }
  });
});

describe('a connection', () => {
  it('on which nothing is ever said is closed', async () => {
    const { url } = await start({ headersTimeout: 200, requestTimeout: 200 });
    const { answers } = await rawConnection(url);
    assertProblem((await answers())[0], 408);
  });

  it('on which a request comes in drop by drop is closed', async () => {
    const { url } = await start({ headersTimeout: 300, requestTimeout: 600 });
    const connection = await rawConnection(url);
    const dripping = drip(connection, `GET / HTTP/1.1\r\n${HOST}${'X: y\r\n'.repeat(500)}`);
    assertProblem((await connection.answers())[0], 408);
    clearInterval(dripping);
  });

  it('on which a body comes in drop by drop is closed', async () => {
    const { url } = await start({ headersTimeout: 300, requestTimeout: 600 });
    const connection = await rawConnection(url);
    connection.write(`POST / HTTP/1.1\r\n${HOST}${JSON_TYPE}Content-Length: 1000\r\n\r\n`);
    const dripping = drip(connection, ' '.repeat(1000));
    assertProblem((await connection.answers())[0], 408);
    clearInterval(dripping);
  });

  it('on which no further request comes is closed', async () => {
    const { url } = await start({ keepAliveTimeout: 100 });
    const answers = await exchange(url, `GET / HTTP/1.1\r\n${HOST}\r\n`);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200],
    );
  });

  it('on which nothing moves in either direction is closed', async () => {
    const { url } = await start({ idleTimeout: 200 });
    assert.deepEqual(await exchange(url, `GET /silent HTTP/1.1\r\n${HOST}\r\n`), []);
  });

  it('may carry any number of requests', async () => {
    const { url } = await start();
    const many = `GET / HTTP/1.1\r\n${HOST}\r\n`.repeat(1500);
    assert.equal((await exchange(url, `${many}GET / HTTP/1.1\r\n${HOST}${CLOSE}\r\n`)).length, 1501);
  });

  it('too many is refused, and told', async () => {
    const { url } = await start({}, 3);
    const held = await Promise.all([1, 2, 3].map(() => rawConnection(url)));
    // A connection counts once the server has taken it, which a request makes sure of.
    for (const { write } of held) write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
    await waitFor('the answers', () => held.every(({ received }) => received() !== ''));
    assert.deepEqual(await exchange(url, `GET / HTTP/1.1\r\n${HOST}\r\n`), []);
    assert.deepEqual(of('connection_refused'), [{ event: 'connection_refused', limit: 3 }]);
    held[0]?.socket.destroy();
    await waitFor('room for another', async () => (await fetch(url).catch(() => null))?.status === 200);
    for (const { socket } of held) socket.destroy();
  });
});

describe('a server that drains', () => {
  it('answers as before, and says with each answer that the connection ends', async () => {
    const server = await start();
    const silent = await rawConnection(server.url);
    const used = await rawConnection(server.url);
    used.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
    await waitFor('the first answer', () => used.received() !== '');
    server.drain();
    used.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
    silent.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
    const [before, last, ...none] = await used.answers();
    assert.deepEqual(
      [before?.headers.get('connection'), last?.headers.get('connection')],
      ['keep-alive', 'close'],
    );
    assert.deepEqual([last?.status, none], [200, []]);
    for (const answers of [
      await silent.answers(),
      await exchange(server.url, `GET / HTTP/1.1\r\n${HOST}\r\n`),
    ]) {
      assert.deepEqual([answers[0]?.status, answers[0]?.headers.get('connection')], [200, 'close']);
    }
  });

  it('says so, too, with the answers that it gives while it closes', async () => {
    const answers: (() => void)[] = [];
    const app = new Hono();
    app.get('/', (c) => new Promise<Response>((resolve) => answers.push(() => resolve(c.text('late')))));
    const server = await serve(app, { observe });
    const connection = await rawConnection(server.url);
    connection.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
    const answer = await waitFor('the request', () => answers[0]);
    const closed = server.close();
    answer();
    const [late] = await connection.answers();
    assert.deepEqual([late?.status, late?.headers.get('connection')], [200, 'close']);
    await closed;
  });
});

describe('a server that closes', () => {
  it('first answers all that was asked on a connection, and says with the last answer that it ends', async () => {
    const answers: (() => void)[] = [];
    const app = new Hono();
    app.get('/', (c) => new Promise<Response>((resolve) => answers.push(() => resolve(c.text('late')))));
    const server = await serve(app, { observe });
    const connection = await rawConnection(server.url);
    connection.write(`GET / HTTP/1.1\r\n${HOST}\r\n`.repeat(2));
    await waitFor('the requests', () => answers.length === 2);
    let isClosed = false;
    const closed = server.close().then(() => {
      isClosed = true;
    });
    answers[0]?.();
    await waitFor('the first answer', () => connection.received() !== '');
    assert.equal(isClosed, false);
    answers[1]?.();
    assert.deepEqual(
      (await connection.answers()).map(({ status, headers }) => [status, headers.get('connection')]),
      [
        [200, 'keep-alive'],
        [200, 'close'],
      ],
    );
    await closed;
  });

  it('does not wait for a caller who has gone away', async () => {
    const server = await start();
    const connection = await rawConnection(server.url);
    connection.write(`GET /silent HTTP/1.1\r\n${HOST}\r\nGET /silent HTTP/1.1\r\n${HOST}\r\n`);
    const other = await rawConnection(server.url);
    other.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
    await waitFor('an answer to another', () => other.received() !== '');
    const closed = server.close();
    connection.socket.destroy();
    const before = performance.now();
    await closed;
    assert.ok(performance.now() - before < 5000, 'well before its patience of ten seconds is over');
  });
});

describe('an address', () => {
  it('that others can reach is not listened on when only loopback may be', async () => {
    for (const host of ['0.0.0.0', '::']) {
      const options = { host, port: 0, maxConnections: 1, onlyLoopback: true, observe };
      await assert.rejects(listen(new Hono(), options), (error: Error) => {
        assert.ok(error instanceof ListenError);
        assert.match(error.message, /^refusing to listen on (0\.0\.0\.0|::), which is .* without API_TOKENS/);
        return true;
      });
    }
  });
});

/** Writes one character every 20 ms. */
function drip({ socket, write }: RawConnection, text: string): NodeJS.Timeout {
  let at = 0;
  void once(socket, 'close').then(() => clearInterval(timer));
  const timer = setInterval(() => {
    if (socket.writable) write(text.charAt(at++));
  }, 20);
  return timer;
}
