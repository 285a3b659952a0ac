import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

/** A way to a PostgreSQL on which no notification arrives: so it is behind a pooler that lends the session to others. */
export interface DeafProxy {
  port: number;
  stop(): void;
}

export async function startDeafProxy(target: number): Promise<DeafProxy> {
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    const kept = withoutNotifications();
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
    near.pipe(far);
    far.on('data', (chunk: Buffer) => near.write(kept(chunk)));
    far.on('end', () => near.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, stop: () => server.close() };
}

/** Of what a server says: each message is a letter, the length of the rest, and the rest. */
function withoutNotifications(): (chunk: Buffer) => Buffer {
  let left = Buffer.alloc(0);
  return (chunk) => {
    left = Buffer.concat([left, chunk]);
    const kept: Buffer[] = [];
    while (left.length >= HEADER && left.length > left.readUInt32BE(1)) {
      const length = 1 + left.readUInt32BE(1);
      if (left[0] !== NOTIFICATION) kept.push(left.subarray(0, length));
      left = left.subarray(length);
    }
    return Buffer.concat(kept);
  };
}

const HEADER = 5;
const NOTIFICATION = 'A'.charCodeAt(0);
