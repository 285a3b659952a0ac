import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { type Client, createClient, type TaskEvent } from '../../src/client/index.ts';
import type narrate from '../fixtures/tasks/narrate.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { Heddle } from '../support/heddle.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { waitFor } from '../support/wait-for.ts';

/* A task is watched over real sockets while a real engine runs it, and everything in between breaks. */

let runner: TestEngine;
let directory: string;
const apis: Heddle[] = [];

before(async () => {
  runner = await startTestEngine();
  directory = await temporaryDirectory();
});
after(async () => {
  for (const { child } of apis) child.kill('SIGKILL');
  await Promise.all(apis.map(({ ended }) => ended));
  await runner?.stop();
  await rm(directory, { recursive: true, force: true });
});

async function startApi(): Promise<{ api: Heddle; url: string }> {
  const api = new Heddle(['api'], { DATABASE_URL: runner.database.url, PORT: '0' }, directory);
  apis.push(api);
  const listening = await waitFor('the API to listen', () => api.events('api_listening')[0], 20_000);
  return { api, url: listening.url as string };
}

/** Submits a task that tells this many lines in each of its two attempts. @returns its id */
async function submit(client: Client, lines: number, everyMs: number): Promise<string> {
  const task = await client.submit<typeof narrate>('narrate', { lines, everyMs });
  runner.engine.wake();
  return task.id;
}

/** What is told of such a task, but for progress, of which some may be left out. */
function expected(lines: number): string[] {
  const linesOf = (attempt: number) => Array.from({ length: lines }, (_, index) => `${attempt}/${index + 1}`);
  return [
    ...['null→queued', 'queued→running', ...linesOf(1), 'running→queued'],
    ...['queued→running', ...linesOf(2), 'running→completed', 'complete'],
  ];
}

function briefly(event: TaskEvent): string[] {
  if (event.type === 'status') return [`${event.from}→${event.to}`];
  if (event.type === 'log') return [event.message];
  return event.type === 'complete' ? ['complete'] : [];
}

describe('a task that is watched', () => {
  it('is told whole and once by two APIs, the first of which is killed in the middle', async () => {
    const [first, second] = await Promise.all([startApi(), startApi()]);
    const id = await submit(createClient({ url: first.url }), 60, 10);
    const told: TaskEvent[] = [];
    const untilKilled = createClient({ url: first.url, retries: 0 });
    await assert.rejects(
      async () => {
        for await (const event of untilKilled.watch(id)) {
          told.push(event);
          if (event.type === 'log' && event.message === '1/20') first.api.child.kill('SIGKILL');
        }
      },
      { name: 'ConnectionError' },
    );
    const lastEventId = told.at(-1)?.lastEventId;
    assert.notEqual(told.at(-1)?.type, 'complete');
    for await (const event of createClient({ url: second.url }).watch(id, { lastEventId })) told.push(event);
    assert.deepEqual(told.flatMap(briefly), expected(60));
  });

  it('is told whole and once over a line that breaks again and again', async () => {
    const { url } = await startApi();
    const proxy = await TcpProxy.start(Number(new URL(url).port));
    try {
      const client = createClient({ url: `http://127.0.0.1:${proxy.port}` });
      const id = await submit(client, 60, 10);
      const told: TaskEvent[] = [];
      let logged = 0;
      for await (const event of client.watch(id)) {
        told.push(event);
        if (event.type === 'log' && ++logged % 25 === 0) proxy.cut();
      }
      assert.deepEqual(told.flatMap(briefly), expected(60));
    } finally {
      proxy.stop();
    }
  });

  it('is told within half a second, also when it seldom says something', async (t) => {
    const { url } = await startApi();
    const client = createClient({ url });
    const id = await submit(client, 4, 450);
    const late: number[] = [];
    for await (const event of client.watch(id)) {
      if (event.type === 'log') late.push(Date.now() - (event.fields.sent_at as number));
    }
    late.sort((a, b) => a - b);
    t.diagnostic(`from the task to the client: ${late.join(', ')} ms`);
    assert.ok((late[Math.floor(late.length / 2)] as number) < 500, late.join());
  });
});
