import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as after } from 'node:timers/promises';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';

export interface Listening {
  url: string;
  /** Takes no more connections, lets running requests finish for up to ten seconds, and closes the rest. */
  close: () => Promise<void>;
}

/** Serves an app on a port. @throws ListenError when it cannot */
export async function listen(app: Hono, host: string, port: number): Promise<Listening> {
  // The host name is for requests that have none: load balancers still ask for health in HTTP/1.0.
  const options = { fetch: app.fetch, hostname: host, serverOptions: TIMEOUTS };
  const server = createAdaptorServer(options) as Server;
  const allAnswered = trackRequests(server);
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'EADDRINUSE' ? 'something else listens there already' : message;
    throw new ListenError(`cannot listen on ${host}:${port}: ${reason}`, { cause: error });
  }
  return { url: urlOf(server), close: () => close(server, allAnswered) };
}

/** The address cannot be listened on. */
export class ListenError extends Error {
  override name = 'ListenError';
}

const TIMEOUTS = {
  headersTimeout: 15_000,
  /** For the whole request to arrive; answers may take longer. */
  requestTimeout: 120_000,
  /** Longer than load balancers keep idle connections, so that they close them and not this side. */
  keepAliveTimeout: 75_000,
};

const STOP_PATIENCE_MS = 10_000;

/** @returns a function that waits until no request is running */
function trackRequests(server: Server): () => Promise<void> {
  let running = 0;
  let noneLeft = () => {};
  server.on('request', (_, response) => {
    running++;
    response.once('close', () => {
      running--;
      if (running === 0) noneLeft();
    });
  });
  return async () => {
    if (running === 0) return;
    await new Promise<void>((resolve) => {
      noneLeft = resolve;
    });
  };
}

function urlOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/**
 * Node's own idea of idle connections leaves out those that never asked anything, and those whose last answer came
 * after the close: they would hold the stop up until their timeouts.
 */
async function close(server: Server, allAnswered: () => Promise<void>): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  await Promise.race([allAnswered(), after(STOP_PATIENCE_MS, undefined, { ref: false })]);
  server.closeAllConnections();
  await closed;
}
