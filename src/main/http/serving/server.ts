import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { setTimeout as after } from 'node:timers/promises';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { isLoopback } from '../../config.ts';
import type { Observe } from '../../observe/events.ts';
import { continueWhenRead } from './expect-continue.ts';
import { faultOf } from './malformed.ts';
import { cannotExpect, noProxy, problemOfParser, refuse, refuseRequest, refuseSocket } from './refusals.ts';
import { RunningRequests } from './running-requests.ts';
import { LIMITS, MAX_HEADERS, type ServerLimits } from './server-limits.ts';

export interface ListenOptions {
  host: string;
  port: number;
  maxConnections: number;
  /** Whether only this machine may be able to reach it, whatever the host's name turns out to mean. */
  onlyLoopback: boolean;
  observe: Observe;
  limits?: ServerLimits;
}

export interface Listening {
  url: string;
  /** Goes on, but closes each connection with the next answer: their clients are to find another server. */
  drain: () => void;
  /** Takes no more connections, lets running requests finish for up to ten seconds, and closes the rest. */
  close: () => Promise<void>;
}

/** Serves an app on a port. @throws ListenError when it cannot */
export async function listen(app: Hono, options: ListenOptions): Promise<Listening> {
  const { host, port, onlyLoopback } = options;
  const server = createBoundedServer(options, listenerOf(app, host));
  const requests = new RunningRequests(server);
  answerClientErrors(server, requests);
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'EADDRINUSE' ? 'something else listens there already' : message;
    throw new ListenError(`cannot listen on ${host}:${port}: ${reason}`, { cause: error });
  }
  const { address } = server.address() as AddressInfo;
  if (onlyLoopback && !isLoopback(address)) {
    server.close();
    throw new ListenError(
      `refusing to listen on ${host}, which is ${address}, without API_TOKENS; set tokens, listen on 127.0.0.1, or say API_AUTH=none`,
    );
  }
  return { url: urlOf(server), drain: () => requests.makeLast(), close: () => close(server, requests) };
}

/** The address cannot be listened on. */
export class ListenError extends Error {
  override name = 'ListenError';
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** What is no proper request does not come as far as the app. */
function listenerOf(app: Hono, host: string): Listener {
  const answer = getRequestListener(app.fetch, {
    // For requests that name no host: load balancers still ask for health in HTTP/1.0.
    hostname: isIPv6(host) ? `[${host}]` : host,
    errorHandler: refuseRequest,
  });
  return (request, response) => {
    const fault = faultOf(request);
    if (fault === undefined) void answer(request, response);
    else refuse(response, fault);
  };
}

function createBoundedServer(options: ListenOptions, listener: Listener): Server {
  const { maxConnections, observe, limits = LIMITS } = options;
  const { idleTimeout, ...bounds } = limits;
  // A missing Host header is refused by `faultOf`, as a problem.
  const server = createServer({ ...bounds, requireHostHeader: false }, listener);
  server.timeout = idleTimeout;
  // Node leaves out silently what is beyond: one more than is accepted shows that there is more.
  server.maxHeadersCount = MAX_HEADERS + 1;
  server.maxConnections = maxConnections;
  server.on('drop', () => observe({ event: 'connection_refused', limit: maxConnections }));
  server.on('checkContinue', (request, response) => {
    continueWhenRead(request, response);
    server.emit('request', request, response);
  });
  server.on('checkExpectation', (_, response) => refuse(response, cannotExpect()));
  server.on('connect', (_, socket) => refuseSocket(socket, noProxy()));
  return server;
}

/** Answers over the socket, when the earlier requests on it have been answered and somebody is still there. */
function answerClientErrors(server: Server, requests: RunningRequests): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const answer = requests.latestOn(socket);
    const underWay = answer?.writableFinished === false ? answer : undefined;
    const problem = problemOfParser(error);
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
    else if (underWay?.req.complete) underWay.once('finish', () => refuseSocket(socket, problem));
    else if (underWay?.headersSent) socket.destroy();
    else refuseSocket(socket, problem);
  });
}

const STOP_PATIENCE_MS = 10_000;

function urlOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/**
 * Node's own idea of idle connections leaves out those that never asked anything, and those whose last answer came
 * after the close: they would hold the stop up until their timeouts.
 */
async function close(server: Server, requests: RunningRequests): Promise<void> {
  const closed = once(server, 'close');
  requests.makeLast();
  server.close();
  await Promise.race([requests.ended(), after(STOP_PATIENCE_MS, undefined, { ref: false })]);
  server.closeAllConnections();
  await closed;
}
