import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ToldSpan } from '../fixtures/traced/_sdk.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { Heddle } from '../support/heddle.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { waitFor } from '../support/wait-for.ts';

/* `heddle start` with OpenTelemetry's SDK in the API's process, the runner's, and each of its threads. */

const FOLDER = fileURLToPath(new URL('../fixtures/traced', import.meta.url));
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';

describe('a trace', { concurrency: false }, () => {
  let directory: string;
  let database: TestDatabase;
  let heddle: Heddle;
  let url: string;
  before(async () => {
    directory = await temporaryDirectory();
    database = await createTestDatabase();
    const env = {
      NODE_OPTIONS: `--import=${FOLDER}/_sdk.js`,
      SPANS_FILE: `${directory}/spans`,
      DATABASE_URL: database.url,
      PORT: '0',
      THREADS: '2',
      TASKS_DIR: FOLDER,
      STOP_GRACE_SECONDS: '5',
    };
    heddle = new Heddle(['start'], env, directory);
    url = await heddle.ready();
  });
  after(async () => {
    await heddle.stop();
    await database.drop();
    await rm(directory, { recursive: true, force: true });
  });

  it('goes from the caller over HTTP to the code in the thread, and on to what that submits', async () => {
    const task = await submit('submit', { traceparent: `00-${TRACE}-${CALLER}-01` });
    const child = (task.result as { id: string }).id;
    const submitted = await span('submit look-around', task.id);
    const run = await span('run look-around', task.id);
    const resubmitted = await span('submit look-around', child);
    const rerun = await span('run look-around', child);
    const inside = await spanWhere('look around', ({ parentId }) => parentId === run.id);
    await spanWhere('look around', ({ parentId }) => parentId === rerun.id);

    for (const { traceId } of [submitted, run, inside, resubmitted, rerun]) assert.equal(traceId, TRACE);
    assert.deepEqual(
      [submitted.parentId, run.parentId, resubmitted.parentId, rerun.parentId],
      [CALLER, submitted.id, inside.id, resubmitted.id],
    );
    assert.deepEqual([submitted.threadId, submitted.kind, run.kind], [0, PRODUCER, CONSUMER]);
    assert.ok(run.threadId > 0 && run.pid !== submitted.pid);
    assert.deepEqual(run.attributes, {
      'messaging.system': 'heddle',
      'messaging.operation.name': 'run',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'look-around',
      'messaging.message.id': task.id,
      'heddle.task.id': task.id,
      'heddle.task.type': 'look-around',
      'heddle.task.attempt': 1,
      'heddle.task.outcome': 'succeeded',
    });
  });

  it('begins with the submission when the caller has none, and its id is in the log lines', async () => {
    const task = await submit('return', { traceparent: '00-garbage' });
    const submitted = await span('submit look-around', task.id);
    assert.equal(submitted.parentId, null);
    assert.equal((await span('run look-around', task.id)).traceId, submitted.traceId);
    const { items } = await get(`tasks/${task.id}/logs`);
    assert.deepEqual(items[0].fields, { trace_id: submitted.traceId });
  });

  it('has the error of an attempt that failed', async () => {
    const task = await submit('throw');
    const run = await span('run look-around', task.id);
    assert.deepEqual(run.status, { code: ERROR, message: 'nothing to see' });
    assert.deepEqual(
      [run.attributes['heddle.task.outcome'], run.attributes['error.type'], run.events[0]?.name],
      ['invalid', 'PermanentError', 'exception'],
    );
  });

  it('has an attempt that was killed, too, as its runner tells it', async () => {
    const task = await submit('spin');
    const run = await span('run look-around', task.id);
    assert.deepEqual([run.threadId, run.attributes['heddle.task.outcome']], [0, 'timed_out']);
    assert.match(run.status.message ?? '', /^timed out after 1 s$/);
  });

  it('costs no thread: spans that are on their way are nothing that an attempt left behind', () => {
    assert.deepEqual(heddle.events('thread_dirty'), []);
  });

  // biome-ignore lint/suspicious/noExplicitAny: assertions are what checks the shape of answers
  type Json = any;

  async function submit(next: string, headers: Record<string, string> = {}): Promise<Json> {
    const answer = await fetch(`${url}/api/v1/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', prefer: 'wait=20', ...headers },
      body: JSON.stringify({ type: 'look-around', params: { next } }),
    });
    assert.equal(answer.status, 201);
    return answer.json();
  }

  async function get(path: string): Promise<Json> {
    return (await fetch(`${url}/api/v1/${path}`)).json();
  }

  function span(name: string, taskId: string): Promise<ToldSpan> {
    return spanWhere(name, ({ attributes }) => attributes['heddle.task.id'] === taskId);
  }

  function spanWhere(name: string, holds: (span: ToldSpan) => boolean): Promise<ToldSpan> {
    return waitFor(`the span '${name}'`, async () => {
      const lines = (await readFile(`${directory}/spans`, 'utf8')).split('\n').slice(0, -1);
      const spans = lines.map((line) => JSON.parse(line) as ToldSpan);
      return spans.find((told) => told.name === name && holds(told));
    });
  }
});

const PRODUCER = 3;
const CONSUMER = 4;
const ERROR = 2;
