import fc from 'fast-check';
import type { DocumentedOperation, OpenApiDocument } from '../../src/main/http/contract/openapi.ts';
import { arbitraryOfSchema } from './arbitrary-of-schema.ts';
import { mostly, oddText } from './odd-texts.ts';

/** A body, and the lines of the headers that go with it. */
export interface Body {
  headers: string[];
  bytes: Uint8Array;
}

/** Bodies for an operation, most of them spoiled, and some where none is due. */
export function oddBody(operation: DocumentedOperation, document: OpenApiDocument): fc.Arbitrary<Body> {
  const schema = operation.requestBody?.content['application/json']?.schema;
  const isUpload = operation.requestBody?.content['multipart/form-data'] !== undefined;
  const allowed =
    schema === undefined
      ? []
      : [arbitraryOfSchema(schema, resolverOf(document)).map(toJson).chain(ofKnownType)];
  const contents = fc.oneof(...allowed, oddJson(), ...allowed.map((json) => json.chain(spoil)), oddBytes());
  const json = fc
    .tuple(contents, mostly('application/json', oddText()), fc.boolean())
    .map(([bytes, type, chunked]) => (chunked ? inChunks(type, bytes) : inOne(type, bytes)));
  const form = fc.tuple(oddText(), contents).map(([name, bytes]) => multipart(name, bytes));
  const lying = fc.tuple(contents, fc.nat(70_000)).map(([bytes, length]) => ({
    headers: ['Content-Type: application/json', `Content-Length: ${length}`],
    bytes,
  }));
  const none = fc.constant<Body>({ headers: [], bytes: Buffer.of() });
  return fc.oneof(
    { weight: schema === undefined ? 2 : 20, arbitrary: json },
    { weight: isUpload ? 20 : 1, arbitrary: form },
    // Few of them: each is waited for.
    { weight: schema === undefined ? 0 : 1, arbitrary: lying },
    { weight: schema === undefined ? 20 : 1, arbitrary: none },
  );
}

function inOne(type: string, bytes: Uint8Array): Body {
  return { headers: [`Content-Type: ${inHeader(type)}`, `Content-Length: ${bytes.length}`], bytes };
}

function inChunks(type: string, bytes: Uint8Array): Body {
  const chunk = bytes.length === 0 ? '' : `${bytes.length.toString(16)}\r\n`;
  return {
    headers: [`Content-Type: ${inHeader(type)}`, 'Transfer-Encoding: chunked'],
    bytes: Buffer.concat([Buffer.from(chunk), bytes, Buffer.from(`${chunk && '\r\n'}0\r\n\r\n`)]),
  };
}

function multipart(name: string, bytes: Uint8Array): Body {
  const head = `--x\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n%PDF-`;
  return inOne(
    'multipart/form-data; boundary=x',
    Buffer.concat([Buffer.from(head), bytes, Buffer.from('\r\n--x--')]),
  );
}

function inHeader(text: string): string {
  return text.replace(/[^ -~]/g, '');
}

/** JSON, or nearly, that parsers, merges and columns stumble over. */
function oddJson(): fc.Arbitrary<Uint8Array> {
  const texts = fc.constantFrom(
    '',
    '{}',
    '[]',
    'null',
    '{"__proto__":{"admin":true}}',
    '{"type":"anything","__proto__":{"priority":1}}',
    '{"constructor":{"prototype":{"admin":true}}}',
    '{"type":"anything","params":{"__proto__":{"a":1},"constructor":1,"toString":2}}',
    '{"type":"__proto__"}',
    '{"type":"constructor","params":{}}',
    '{"type":"anything","params":{"a":1e999}}',
    '{"type":"anything","params":{"a":-0,"b":1e-400,"c":123456789012345678901234567890}}',
    '{"type":"anything","description":"\\u0000"}',
    '{"type":"anything","params":{"\\ud800":"\\udfff"}}',
    '{"type":"anything","type":"greet","type":7}',
    '\ufeff{"type":"anything"}',
    '{"type":"anything"}{"type":"anything"}',
    `{"type":"anything","params":${'{"a":'.repeat(250)}1${'}'.repeat(251)}`,
    `{"type":"anything","params":${'{"a":'.repeat(8000)}1${'}'.repeat(8001)}`,
    '['.repeat(60_000),
    `{"type":"anything","params":{"a":"${'x'.repeat(60_000)}"}}`,
    `{"type":"anything","params":{"a":"${'x'.repeat(70_000)}"}}`,
    `{"type":"anything","params":{${Array.from({ length: 5000 }, (_, n) => `"k${n}":0`)}}}`,
    `{${Array.from({ length: 3000 }, (_, n) => `"k${n}":0`)}}`,
    `{"tasks":[${Array.from({ length: 1001 }, () => '{"type":"anything"}')}]}`,
  );
  const anything = fc.anything({
    maxDepth: 4,
    key: oddText(),
    values: [oddText(), fc.double(), fc.boolean()],
  });
  return fc.oneof(texts.map(toBytes), anything.map(toJson));
}

function oddBytes(): fc.Arbitrary<Uint8Array> {
  return fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    oddText().map(toBytes),
    fc
      .constantFrom([0xff, 0xfe, 0x7b], [0x22, 0xed, 0xa0, 0x80, 0x22], [0x1f, 0x8b, 8])
      .map((bytes) => Buffer.from(bytes)),
  );
}

/** What task types there are, the document cannot say. */
function ofKnownType(json: Uint8Array): fc.Arbitrary<Uint8Array> {
  const known = Buffer.from(json)
    .toString()
    .replace(/"type":"[^"]*"/g, '"type":"anything"');
  return fc.constantFrom(json, toBytes(known));
}

/** A byte of a text becomes another one, or all from there on is missing. */
function spoil(json: Uint8Array): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.nat(Math.max(0, json.length - 1)), fc.integer({ min: -1, max: 255 }))
    .map(([at, byte]) => {
      if (byte < 0) return json.subarray(0, at);
      const spoiled = Buffer.from(json);
      spoiled[at] = byte;
      return spoiled;
    });
}

function toJson(value: unknown): Uint8Array {
  return toBytes(JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part)) ?? '');
}

export function toBytes(text: string): Uint8Array {
  return Buffer.from(text);
}

/** Finds what a `$ref` of the document means. */
export function resolverOf(document: OpenApiDocument): (ref: string) => Record<string, unknown> {
  return (ref) => document.components.schemas[ref.split('/').at(-1) as string] ?? {};
}
