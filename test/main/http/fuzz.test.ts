import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import type { Listening } from '../../../src/main/http/serving/server.ts';
import { publishDocumentTypes } from '../../support/document-types.ts';
import { oddRequests, type RawRequest } from '../../support/odd-requests.ts';
import { type RawAnswer, rawConnection } from '../../support/raw-http.ts';
import { serve } from '../../support/serve.ts';
import { startTestApi, type TestApi } from '../../support/test-api.ts';

const REQUESTS = 10_000;
const BATCH = 500;
/** Until caches are warm and connections to the database are there. */
const WARM_UP = 2000;
const MOST_GROWTH_MB = 8;

const seed = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31));

let api: TestApi;
let server: Listening;
before(async () => {
  api = await startTestApi({ env: { MAX_BODY_BYTES: '65536', MAX_DOCUMENT_BYTES: '65536' } });
  await publishDocumentTypes(api.database); // So that uploads are taken.
  const limits = { headersTimeout: 200, requestTimeout: 200 };
  server = await serve(api.app, { observe: api.events.observe, limits });
});
after(async () => {
  await server?.close();
  await api?.stop();
});

it(`${REQUESTS} odd requests (FUZZ_SEED=${seed}) give no failure, tell nothing, and leave nothing behind`, async (t) => {
  const { id } = await api.submit({ type: 'anything' });
  const things = { id: [id as string], name: ['tick'], asset: ['start.js'] };
  const requests = oddRequests(api.contract.document, things);
  const statuses = new Map<number, number>();
  let before = 0;
  for (let sent = 0; sent < REQUESTS; sent += BATCH) {
    if (sent === WARM_UP) before = heapMb();
    const batch = fc.sample(requests, { seed: seed + sent, numRuns: BATCH });
    for (const status of await sendAll(batch)) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    api.events.events.length = 0;
  }
  t.diagnostic(`statuses: ${JSON.stringify(Object.fromEntries([...statuses].sort()))}`);
  const growth = heapMb() - before;
  t.diagnostic(`the heap grew by ${growth.toFixed(1)} MB`);
  assert.ok(growth < MOST_GROWTH_MB, `the heap grew by ${growth} MB`);
  for (const status of [200, 201, 400, 404, 405, 413, 422])
    assert.ok(statuses.has(status), `none was ${status}`);
});

/** A few at a time. */
async function sendAll(batch: RawRequest[]): Promise<number[]> {
  const statuses: number[] = [];
  const next = batch.values();
  const senders = Array.from({ length: 8 }, async () => {
    for (const request of next) statuses.push(await send(request));
  });
  await Promise.all(senders);
  return statuses;
}

async function send(request: RawRequest): Promise<number> {
  const connection = await rawConnection(server.url);
  // A stream ends when its task does, which nobody runs here.
  connection.socket.on('data', () => {
    if (/\r\ncontent-type: text\/event-stream/i.test(connection.received())) connection.socket.destroy();
  });
  connection.write(request);
  try {
    const answers = await connection.answers();
    for (const answer of answers) check(answer);
    assert.ok(answers[0] !== undefined, 'no answer');
    return answers[0].status;
  } catch (error) {
    throw new Error(`${(error as Error).message}\nasked by ${shown(request)}`, { cause: error });
  }
}

function check({ status, headers, body }: RawAnswer): void {
  if (status === 100) return;
  const what = `${status} ${body.slice(0, 1000)}`;
  assert.ok(status < 500, what);
  assert.deepEqual(api.events.of('request_failed'), []);
  assert.equal(headers.get('x-content-type-options'), 'nosniff', what);
  assert.ok(headers.has('x-request-id'), what);
  assert.doesNotMatch([...headers.keys()].join(), /x-injected/);
  if (status < 400) return;
  assert.equal(headers.get('content-type'), 'application/problem+json', what);
  assert.doesNotMatch(body, TELLTALE);
  if (body === '') return; // The answer to HEAD.
  const problem = JSON.parse(body) as Record<string, unknown>;
  assert.equal(problem.status, status);
  assert.match(String(problem.type), /^\/problems\/[a-z-]+$/);
  assert.ok(String(problem.detail).length > 5);
}

/** Lines of a stack, and words of SQL that no request here has in this way. */
const TELLTALE =
  /\bat .+:\d+:\d+|node_modules|\.[jt]s:\d|\b(select|insert|update|delete)\b.+\b(from|into|set|where)\b|\bpg_[a-z]|sqlstate/is;

function shown(request: RawRequest): string {
  return JSON.stringify(Buffer.from(request).toString('latin1').slice(0, 3000));
}

/** What is left after everything that can go has gone. */
function heapMb(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed / 2 ** 20;
}
