import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

export interface AbruptServer {
  /** Of a database that nobody can use. */
  url: string;
  stop(): Promise<void>;
}

/**
 * Speaks PostgreSQL's protocol up to the end of the handshake, and ends the session in the same packet: what a server
 * may do that shuts down, or whose administrator ends sessions.
 */
export async function startAbruptServer(): Promise<AbruptServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => socket.end(Buffer.concat([AUTHENTICATED, READY, ENDED])));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `postgresql://anybody@127.0.0.1:${(server.address() as AddressInfo).port}/nowhere`,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const AUTHENTICATED = message('R', Buffer.from([0, 0, 0, 0]));
const READY = message('Z', Buffer.from('I'));
const ENDED = message(
  'E',
  Buffer.from('SFATAL\0C57P01\0Mterminating connection due to administrator command\0\0'),
);

/** A message of protocol 3.0: its type, its length with that of itself, its body. */
function message(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + body.length);
  return Buffer.concat([Buffer.from(type), length, body]);
}
