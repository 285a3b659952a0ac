import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it, type TestContext } from 'node:test';
import { Wake } from '../../../src/main/engine/wake.ts';
import { captureEvents } from '../../support/capture-events.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { startDeafProxy } from '../../support/deaf-proxy.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { waitFor } from '../../support/wait-for.ts';

describe('what wakes a runner', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  it('hears when something is due, and what is to be cancelled', async (t) => {
    const { heard, events } = start(t, database.url);
    await events.next('listening');
    assert.deepEqual(heard.splice(0), ['due in 0']);
    const id = randomUUID();
    await notify('heddle_due', '1500');
    await notify('heddle_cancel', id);
    await waitFor('both', () => heard.length === 2);
    assert.deepEqual(heard, ['due in 1500', `cancel ${id}`]);
  });

  it('listens again when its connection breaks, and looks for what was not heard', async (t) => {
    const proxy = await TcpProxy.start(port());
    t.after(() => proxy.stop());
    const { heard, events } = start(t, proxy.url(database.url));
    await events.next('listening');
    heard.splice(0);
    proxy.cut();
    await events.next('listen_lost');
    await events.next('listening');
    assert.deepEqual(heard, ['due in 0']);
    await notify('heddle_due', '7');
    await waitFor('it to be heard', () => heard.includes('due in 7'));
  });

  it('behind a pooler that passes no notification on does not believe that it listens', async (t) => {
    const proxy = await startDeafProxy(port());
    t.after(() => proxy.stop());
    const address = new URL(database.url);
    address.host = `127.0.0.1:${proxy.port}`;
    const { heard, events } = start(t, address.href);
    const { message } = await events.next('listen_lost');
    assert.equal(message, 'a notification to itself did not arrive');
    assert.deepEqual([heard, events.of('listening')], [[], []]);
  });

  function start(t: TestContext, url: string) {
    const heard: string[] = [];
    const events = captureEvents();
    const wakened = {
      due: (inMs: number) => void heard.push(`due in ${inMs}`),
      cancel: (id: string) => void heard.push(`cancel ${id}`),
    };
    const wake = new Wake(randomUUID(), url, wakened, events.observe);
    wake.start();
    t.after(() => wake.stop());
    return { heard, events };
  }

  function port(): number {
    return Number(new URL(database.url).port || 5432);
  }

  async function notify(channel: string, payload: string): Promise<void> {
    await database.pool().query('select pg_notify($1, $2)', [channel, payload]);
  }
});
