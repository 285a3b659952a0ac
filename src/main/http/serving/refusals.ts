import { randomUUID } from 'node:crypto';
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { RequestError } from '@hono/node-server';
import { SECURITY_HEADERS } from '../access/security-headers.ts';
import { internalError } from '../answers/failures.ts';
import { PROBLEM_TYPE, Problem, problemJson } from '../answers/problem.ts';
import { badRequest } from './malformed.ts';

/* Answers to what does not come as far as the app: the same problems, made by hand. */

/** Answers over a response, and closes the connection. */
export function refuse(response: ServerResponse, problem: Problem): void {
  const body = problemJson(problem);
  response.writeHead(problem.status, headersOf(problem, body)).end(body);
}

/** Answers what cannot become a request of the app, such as `GET http://%/`. */
export function refuseRequest(error: unknown): Response {
  const isTheirs = error instanceof RequestError;
  const problem = isTheirs ? badRequest('The address or the Host header is malformed.') : internalError();
  const body = problemJson(problem);
  return new Response(body, { status: problem.status, headers: headersOf(problem, body) });
}

/** Answers over a socket on which there is no request, and closes it. */
export function refuseSocket(socket: Duplex, problem: Problem): void {
  const body = problemJson(problem);
  const lines = Object.entries(headersOf(problem, body)).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('')}\r\n${body}`,
    () => socket.destroy(),
  );
}

/** The answer to what Node's parser does not let through, or has waited for in vain. */
export function problemOfParser({ code }: NodeJS.ErrnoException): Problem {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Problem(431, 'headers-too-large', 'Headers too large', 'Address and headers are too long.');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new Problem(413, 'body-too-large', 'Body too large', 'The chunk extensions are too long.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem(408, 'request-timeout', 'Request timeout', 'The request did not arrive in time.');
    default:
      return badRequest('This is not HTTP.');
  }
}

/** The answer to CONNECT. */
export function noProxy(): Problem {
  return new Problem(405, 'method-not-allowed', 'Method not allowed', 'This server is no proxy.', {
    headers: { Allow: 'GET, HEAD, POST, PATCH, DELETE' },
  });
}

/** The answer to an `Expect` header that asks for anything but `100-continue`. */
export function cannotExpect(): Problem {
  const detail = 'Nothing can be expected but 100-continue.';
  return new Problem(417, 'expectation-failed', 'Expectation failed', detail);
}

function headersOf({ headers }: Problem, body: string): Record<string, string> {
  return {
    ...SECURITY_HEADERS,
    'X-Request-Id': randomUUID(),
    'Content-Type': PROBLEM_TYPE,
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
    ...headers,
  };
}
