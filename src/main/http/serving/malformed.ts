import type { IncomingMessage } from 'node:http';
import { Problem } from '../answers/problem.ts';
import { MAX_HEADERS } from './server-limits.ts';

/** What is wrong with a request that Node's parser has let through. */
export function faultOf(request: Pick<IncomingMessage, 'httpVersion' | 'rawHeaders'>): Problem | undefined {
  const { httpVersion, rawHeaders } = request;
  if (rawHeaders.length > 2 * MAX_HEADERS) return tooManyHeaders();
  const [host, another] = valuesOf('host', rawHeaders);
  if (another !== undefined) return badRequest('There is more than one Host header.');
  if (host === undefined) {
    return httpVersion === '1.1' ? badRequest('There is no Host header.') : undefined;
  }
  return isHost(host) ? undefined : badRequest('The Host header is neither a name nor an address.');
}

/** Something that is no proper HTTP request. */
export function badRequest(detail: string): Problem {
  return new Problem(400, 'bad-request', 'Bad request', detail);
}

function tooManyHeaders(): Problem {
  const detail = `A request may have at most ${MAX_HEADERS} headers.`;
  return new Problem(431, 'headers-too-large', 'Headers too large', detail);
}

/** Node itself keeps the first of several and says nothing. */
function valuesOf(name: string, rawHeaders: readonly string[]): string[] {
  const values: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() === name) values.push(rawHeaders[at + 1] ?? '');
  }
  return values;
}

/** Nothing of an address besides host and port, and such as makes an address: `1.2.3.999` does not. */
function isHost(value: string): boolean {
  if (value === lastRight) return true;
  const isRight = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d*)?$/i.test(value) && URL.canParse(`http://${value}`);
  if (isRight) lastRight = value;
  return isRight;
}

/** Nearly all requests name the same host. */
let lastRight: string | undefined;
