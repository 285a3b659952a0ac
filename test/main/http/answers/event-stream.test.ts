import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Hono } from 'hono';
import { type EventStreamOptions, eventStream } from '../../../../src/main/http/answers/event-stream.ts';
import { waitFor } from '../../../support/wait-for.ts';

/** An answer of endless events, and what was made of it. */
async function endless(options: Partial<EventStreamOptions> = {}) {
  const seen = { made: 0, isGone: false, over: 0 };
  const stop = new AbortController();
  async function* tell(gone: AbortSignal): AsyncGenerator<string> {
    gone.addEventListener('abort', () => {
      seen.isGone = true;
    });
    for (;;) {
      seen.made++;
      yield 'data: x\n\n';
    }
  }
  const app = new Hono();
  app.get('/', (c) =>
    eventStream(c, tell, {
      stopped: stop.signal,
      over: () => {
        seen.over++;
      },
      ...options,
    }),
  );
  const response = await app.request('/');
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  return { seen, stop, reader, read: async () => Buffer.from((await reader.read()).value ?? []).toString() };
}

describe('an answer of events', () => {
  it('makes no event before the client has taken the one before', async () => {
    const { seen, read } = await endless();
    assert.equal(seen.made, 0);
    for (let taken = 1; taken <= 3; taken++) {
      assert.equal(await read(), 'data: x\n\n');
      assert.equal(seen.made, taken);
    }
  });

  it('is over at once when the client goes', async () => {
    const { seen, read, reader } = await endless();
    await read();
    await reader.cancel();
    assert.deepEqual([seen.isGone, seen.over], [true, 1]);
  });

  it('is over when the client takes nothing for too long', async () => {
    const { seen, read, reader } = await endless({ patienceMs: 30 });
    await read();
    await waitFor('the end', () => seen.over === 1);
    assert.equal(seen.isGone, true);
    assert.equal((await reader.read()).done, true);
  });

  it('is over when it is stopped, whether the client reads or not', async () => {
    const { seen, stop, reader } = await endless();
    stop.abort();
    assert.equal(seen.over, 1);
    assert.equal((await reader.read()).done, true);
  });
});
