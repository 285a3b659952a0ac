import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { afterEach, describe, it } from 'node:test';
import { createClient } from '../../src/client/index.ts';
import {
  hangUp,
  problem,
  type Reply,
  type ScriptedServer,
  startScriptedServer,
} from '../support/scripted-server.ts';
import { waitFor } from '../support/wait-for.ts';

let server: ScriptedServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

/** Tells events, numbered by their ids, and then does something else. */
function tells(
  events: readonly [type: string, id: string][],
  then: (response: ServerResponse) => void,
): Reply {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('retry: 1000\n\n');
    for (const [type, id] of events) {
      response.write(`event: ${type}\nid: ${id}\ndata: ${JSON.stringify({ type, task_id: 't' })}\n\n`);
    }
    then(response);
  };
}

const ends = (response: ServerResponse) => response.end();
const breaks = (response: ServerResponse) => setImmediate(() => response.destroy());
const stays = () => {};

/** What a client tells of a task, until the stream ends. */
async function watched(script: [Reply, ...Reply[]], options = {}): Promise<string[]> {
  server = await startScriptedServer(...script);
  const client = createClient({ url: server.url, retries: 1 });
  const told: string[] = [];
  for await (const { type, lastEventId } of client.watch('t', options)) told.push(`${type} ${lastEventId}`);
  return told;
}

const asked = () => server?.heard.map(({ headers }) => headers['last-event-id']);

describe('watching a task', () => {
  it('goes on after the last event whenever the connection ends or breaks', async () => {
    const told = await watched([
      tells([['status', '1']], ends),
      hangUp,
      tells([['log', '2']], breaks),
      tells([['complete', '3']], stays),
    ]);
    assert.deepEqual(told, ['status 1', 'log 2', 'complete 3']);
    assert.deepEqual(asked(), [undefined, '1', '1', '2']);
    assert.equal(server?.heard[0]?.headers.accept, 'text/event-stream');
  });

  it('begins where the caller says, and is over when there is nothing more', async () => {
    const nothing: Reply = (response) => response.writeHead(204).end();
    assert.deepEqual(await watched([nothing], { lastEventId: '3.end' }), []);
    assert.deepEqual(asked(), ['3.end']);
  });

  it('tells that the task was deleted', async () => {
    const deleted = tells([['error', '1']], ends);
    await assert.rejects(watched([deleted, problem(404, 'task-not-found')]), { status: 404 });
  });

  it('ends when connections say nothing again and again', async () => {
    await assert.rejects(watched([tells([], ends)]), {
      name: 'ConnectionError',
      message: 'the stream of the task t breaks at once',
    });
    assert.equal(server?.heard.length, 2);
  });

  it('ends when the caller wants it to, and lets the connection go', async () => {
    let isGone = false;
    server = await startScriptedServer((response, heard) => {
      response.once('close', () => {
        isGone = true;
      });
      tells([['status', '1']], stays)(response, heard);
    });
    const client = createClient({ url: server.url });
    const reason = new Error('enough');
    const caller = new AbortController();
    const story = client.watch('t', { signal: caller.signal });
    assert.equal((await story.next()).value?.type, 'status');
    const next = story.next();
    caller.abort(reason);
    await assert.rejects(next, reason);

    isGone = false;
    for await (const _ of client.watch('t')) break;
    await waitFor('the connection to be gone', () => isGone);
  });
});
