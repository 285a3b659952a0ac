import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A port nobody listens on now, below those that systems give away by themselves: it is still free for whoever stops
 * listening on it and comes back, and nobody who connects to it meanwhile is given this very port to connect from.
 */
export async function steadyPort(): Promise<number> {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (await isFree(port)) return port;
  }
}

const LOWEST = 10_000;
const HIGHEST = 30_000;

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
