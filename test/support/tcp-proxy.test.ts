import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { TcpProxy } from './tcp-proxy.ts';
import { waitFor } from './wait-for.ts';

test('what is said arrives, both ways, and so does an end', async (t) => {
  const { call } = await setup(t);
  const caller = await call();
  caller.socket.end('hello');
  await waitFor('the echo and the end', () => caller.ended && caller.heard === 'hello');
});

test('frozen, nothing arrives and nothing is closed; thawed, what was on its way arrives', async (t) => {
  const { proxy, echo, call } = await setup(t);
  const caller = await call();
  caller.socket.write('before ');
  await waitFor('the echo', () => caller.heard === 'before ');

  proxy.freeze();
  caller.socket.write('meanwhile');
  const late = await call();
  late.socket.write('too late');
  for (const socket of echo.sockets) socket.resetAndDestroy();
  await new Promise((resolve) => setTimeout(resolve, 100)); // That nothing happens takes a while to be seen.
  assert.deepEqual([caller.heard, caller.ended, late.heard, echo.sockets.size], ['before ', false, '', 0]);

  await proxy.thaw();
  await waitFor('the news that it is broken', () => caller.ended);
  await waitFor('the echo of who connected meanwhile', () => late.heard === 'too late');
});

test('one connection can be frozen while another one works', async (t) => {
  const { proxy, echo, call } = await setup(t);
  const [frozen, other] = [await call(), await call()];
  frozen.socket.write('before');
  await waitFor('the echo', () => frozen.heard === 'before');
  const [first] = echo.sockets;
  proxy.freezeOne(first?.remotePort ?? 0);
  frozen.socket.write(' meanwhile');
  other.socket.write('hello');
  await waitFor('the echo', () => other.heard === 'hello');
  assert.equal(frozen.heard, 'before');
  await proxy.thaw();
  await waitFor('the echo', () => frozen.heard === 'before meanwhile');
});

test('cut, both sides hear of it, and who comes again is connected', async (t) => {
  const { proxy, echo, call } = await setup(t);
  const caller = await call();
  caller.socket.write('hello');
  await waitFor('the echo', () => caller.heard === 'hello');
  proxy.cut();
  await waitFor('both to hear of it', () => caller.ended && echo.sockets.size === 0);
  const again = await call();
  again.socket.write('again');
  await waitFor('the echo', () => again.heard === 'again');
});

test('refusing, it lets nobody in and keeps who is in', async (t) => {
  const { proxy, call } = await setup(t);
  const caller = await call();
  caller.socket.write('hello');
  await waitFor('the echo', () => caller.heard === 'hello');
  proxy.refuse();
  await assert.rejects(call(), { code: 'ECONNREFUSED' });
  caller.socket.write('!');
  await waitFor('the echo', () => caller.heard === 'hello!');
  await proxy.thaw();
  await call();
});

test('of an address only host and port change', async (t) => {
  const { proxy } = await setup(t);
  assert.equal(
    proxy.url('postgresql://me:secret@db.example:5432/heddle?sslmode=disable'),
    `postgresql://me:secret@127.0.0.1:${proxy.port}/heddle?sslmode=disable`,
  );
});

/** A proxy to a server that echoes. */
async function setup(t: TestContext) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await TcpProxy.start((server.address() as AddressInfo).port);
  t.after(() => {
    proxy.stop();
    server.close();
  });

  async function call() {
    const socket = connect(proxy.port, '127.0.0.1');
    const caller = { socket, heard: '', ended: false };
    socket.on('data', (chunk) => {
      caller.heard += String(chunk);
    });
    await once(socket, 'connect');
    socket.on('error', () => {});
    socket.on('close', () => {
      caller.ended = true;
    });
    t.after(() => socket.destroy());
    return caller;
  }

  return { proxy, echo: { sockets }, call };
}
