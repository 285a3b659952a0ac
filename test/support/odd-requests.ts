import fc from 'fast-check';
import type { DocumentedOperation, OpenApiDocument } from '../../src/main/http/contract/openapi.ts';
import { arbitraryOfSchema } from './arbitrary-of-schema.ts';
import { oddBody, resolverOf, toBytes } from './odd-bodies.ts';
import { mostly, oddText } from './odd-texts.ts';

/** The bytes of one request, with `Connection: close`. */
export type RawRequest = Uint8Array;

/** What there is for each parameter of a path, by the parameter's name. */
export type Things = Record<string, readonly string[]>;

/**
 * Requests of all kinds: made from an API's document, most of them spoiled in one place or several, and some that are
 * hardly HTTP.
 */
export function oddRequests(document: OpenApiDocument, things: Things): fc.Arbitrary<RawRequest> {
  const operations = Object.entries(document.paths).flatMap(([template, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      // Bodies are where most can be wrong.
      weight: operation.requestBody === undefined ? 1 : 6,
      arbitrary: oddRequest({ template, method, operation, document, things }),
    })),
  );
  return fc.oneof(...operations, { weight: 1, arbitrary: noise() });
}

interface Subject {
  template: string;
  method: string;
  operation: DocumentedOperation;
  document: OpenApiDocument;
  things: Things;
}

function oddRequest(subject: Subject): fc.Arbitrary<RawRequest> {
  const { method } = subject;
  return fc
    .record({
      method: mostly(
        method.toUpperCase(),
        fc.oneof(fc.constantFrom(...METHODS), fc.stringMatching(/^[A-Z]{1,9}$/)),
      ),
      path: pathOf(subject),
      query: queryOf(subject),
      headers: fc.oneof(
        { weight: 2, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: fc.array(oddHeader(), { maxLength: 3 }) },
      ),
      body: oddBody(subject.operation, subject.document),
    })
    .map(({ method, path, query, headers, body }) => {
      const lines = ['Host: localhost', 'Connection: close', ...headers, ...body.headers];
      return Buffer.concat([
        Buffer.from(`${method} ${path}${query} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1'),
        body.bytes,
      ]);
    });
}

const METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'QUERY',
  'PROPFIND',
  'CONNECT',
];

function pathOf({ template, things }: Subject): fc.Arbitrary<string> {
  const parts = template.split('/').map((part) => {
    const [, name] = /^\{(\w+)\}$/.exec(part) ?? [];
    return name === undefined ? fc.constant(part) : pathPart(things[name] ?? ['nothing']);
  });
  const usual = fc.tuple(...parts).map((found) => found.join('/'));
  const longer = fc.tuple(usual, oddText()).map(([path, text]) => `${path}/${escapeSomehow(text)}`);
  return fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: longer });
}

function pathPart(known: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...known) },
    { weight: 1, arbitrary: fc.constantFrom(...known).map((id) => id.slice(-6)) },
    { weight: 3, arbitrary: oddText().map(escapeSomehow) },
  );
}

function queryOf({ operation, document }: Subject): fc.Arbitrary<string> {
  const known = operation.parameters.filter((parameter) => parameter.in === 'query');
  const names = fc.constantFrom(
    ...known.map(({ name }) => name),
    'limit',
    '__proto__',
    'constructor',
    'x[]',
    '',
  );
  const odd = fc.tuple(names, oddText()).map(([name, text]) => `${name}=${escapeSomehow(text)}`);
  const allowed = known.map(({ name, schema }) =>
    arbitraryOfSchema(schema, resolverOf(document)).map((value) => `${name}=${encode(String(value))}`),
  );
  return fc
    .array(fc.oneof(odd, ...allowed), { maxLength: 4 })
    .map((pairs) => (pairs.length === 0 ? '' : `?${pairs.join('&')}`));
}

/** A header's whole line, of those that somebody here looks at. */
function oddHeader(): fc.Arbitrary<string> {
  const names = fc.constantFrom(
    'Authorization',
    'Accept',
    'Content-Encoding',
    'Cookie',
    'Idempotency-Key',
    'If-None-Match',
    'Last-Event-ID',
    'Origin',
    'Range',
    'Sec-Fetch-Site',
    'Transfer-Encoding',
    'Upgrade',
    'X-Forwarded-For',
    'X-Request-Id',
    '__proto__',
    'constructor',
  );
  const values = fc.oneof(
    fc.constantFrom(
      '*/*',
      'text/event-stream',
      'gzip',
      'chunked',
      'same-origin',
      'cross-site',
      'bytes=0-1',
      'null',
    ),
    oddText().map((text) => text.replace(/[^\t -~\u0080-\u00ff]/g, '')),
  );
  return fc.oneof(
    { weight: 5, arbitrary: fc.tuple(names, values).map(([name, value]) => `${name}: ${value}`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('Prefer: wait=0', 'Prefer: wait=x', 'Prefer: wait', 'Expect: everything'),
    },
  );
}

/** As a browser would, or broken, and at any rate without what ends the line. */
function escapeSomehow(text: string): string {
  const broken = text.length % 3 === 0;
  return broken ? text.replace(/[^!-~]/g, '%') : encode(text);
}

function encode(text: string): string {
  return Buffer.from(text)
    .toString('latin1')
    .replace(/[^\w.~-]/g, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** Hardly HTTP. */
function noise(): fc.Arbitrary<RawRequest> {
  const lines = fc.constantFrom(
    'GET /api/v1/tasks HTTP/1.1',
    'GET /api/v1/tasks HTTP/9.9',
    'GET  /api/v1/tasks HTTP/1.1',
    'GET http://%/ HTTP/1.1',
    'GET //// HTTP/1.1',
    'GET \\api HTTP/1.1',
    'Host: localhost',
    'Host: 1.2.3.999',
    'Host: a b',
    'Content-Length: 5',
    'Content-Length: -5',
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: gzip, chunked',
    ': nameless',
    ' folded',
    'X'.repeat(17_000),
    '',
  );
  const request = fc
    .array(lines, { minLength: 1, maxLength: 8 })
    .map((some) => toBytes(`${some.join('\r\n')}\r\nConnection: close\r\n\r\n`));
  return fc.oneof(request, fc.uint8Array({ minLength: 1, maxLength: 200 }));
}
