import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { Busboy } from '@fastify/busboy';
import type { Context } from 'hono';
import { type FileType, READABLE_TYPES, TypeScan } from '../../../workers/shared/document-type.ts';
import type { IncomingFile } from '../../database/document-files.ts';
import type { NewDocument } from '../../database/documents.ts';
import { Problem } from '../answers/problem.ts';

/** Whether the body is a form, and not JSON. @throws Problem when it is neither, or is announced to be too large */
export function isForm(c: Context, maxBytes: number): boolean {
  const mediaType = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (mediaType === 'application/json') return false;
  if (mediaType === undefined && !hasBody(c)) {
    throw new Problem(400, 'missing-body', 'Missing body', `A body is needed. ${WHAT_TO_SEND}`);
  }
  if (mediaType !== 'multipart/form-data') {
    throw new Problem(415, 'unsupported-media-type', 'Unsupported media type', WHAT_TO_SEND);
  }
  if (Number(c.req.header('content-length') ?? 0) > maxBytes + FORM_BYTES) throw tooLarge(maxBytes);
  return true;
}

const WHAT_TO_SEND = 'Send a file as multipart/form-data, in the field "file", or {"title", "text"} as JSON.';

function hasBody(c: Context): boolean {
  return Number(c.req.header('content-length') ?? 0) > 0 || c.req.header('transfer-encoding') !== undefined;
}

/** Boundaries, headers and the other fields of the form around the file. */
const FORM_BYTES = 16 * 1024;

/**
 * Reads the one file of a multipart form and stores it while it comes in: never more than a few pieces are in memory.
 * @param file where it goes; what is there when this throws is the caller's to discard
 * @throws Problem when it is missing, empty, larger than `maxBytes` or of a type that nobody here can read
 */
export async function receiveForm(c: Context, file: IncomingFile, maxBytes: number): Promise<NewDocument> {
  const form = openForm(c.req.header('content-type') ?? '');
  const stop = new AbortController();
  try {
    const receiving = receiveParts(form, file, maxBytes);
    const [document] = await Promise.all([receiving, feed(form, c, maxBytes, stop.signal)]);
    return document;
  } finally {
    // What still comes in is of no use any more. It is not refused here: the answer would be lost with the connection.
    stop.abort();
  }
}

type Form = InstanceType<typeof Busboy>;

function openForm(contentType: string): Form {
  try {
    return new Busboy({
      headers: { 'content-type': contentType },
      preservePath: true, // `titleOf` knows the separators of every system.
      limits: { fieldSize: 1000, fields: 10, files: 10, parts: 20, headerPairs: 20, headerSize: FORM_BYTES },
    });
  } catch {
    throw malformed(); // It has no boundary.
  }
}

/** Writes the body into the form, no faster than that takes it. */
async function feed(form: Form, c: Context, maxBytes: number, signal: AbortSignal): Promise<void> {
  const reader = c.req.raw.body?.getReader();
  signal.addEventListener('abort', () => reader?.releaseLock());
  let left = maxBytes + FORM_BYTES;
  for (;;) {
    const next = await reader?.read().catch(() => Promise.reject(malformed())); // The connection has broken.
    if (signal.aborted) return;
    if (next?.value === undefined) break;
    left -= next.value.length;
    if (left < 0) throw tooLarge(maxBytes); // A body in chunks does not announce how large it is.
    if (!form.write(next.value)) await once(form, 'drain', { signal });
  }
  form.end();
}

/** Waits for the end of the form. */
async function receiveParts(form: Form, file: IncomingFile, maxBytes: number): Promise<NewDocument> {
  const fields = new Map<string, string>();
  let receiving: Promise<Received> | undefined;
  await new Promise<void>((resolve, reject) => {
    form.on('file', (name, content, fileName) => {
      content.on('error', () => reject(malformed()));
      if (name !== 'file') content.resume();
      else if (receiving !== undefined) reject(invalidFile('The form has more than one file: send one.'));
      else {
        receiving = receiveFile(content, fileName, file, maxBytes);
        receiving.catch(reject);
      }
    });
    form.on('field', (name, value) => fields.set(name, value));
    form.on('error', () => reject(malformed()));
    form.on('finish', resolve);
  });
  if (receiving === undefined) throw invalidFile('The form has no file in the field "file".');
  return { ...(await receiving), charset: charsetOf(fields.get('charset')) };
}

type Received = Omit<NewDocument, 'charset'>;

async function receiveFile(
  content: Readable,
  fileName: string | undefined,
  file: IncomingFile,
  maxBytes: number,
): Promise<Received> {
  const hash = createHash('sha256');
  const scan = new TypeScan();
  let bytes = 0;
  for await (const chunk of content as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    hash.update(chunk);
    scan.add(chunk);
    if (scan.isHopeless) throw refusedType(scan.end());
    await file.write(chunk);
  }
  const type = scan.end();
  if ('refused' in type) throw refusedType(type);
  await file.end();
  const title = titleOf(fileName ?? '');
  return { fileId: file.id, title, mediaType: type.mediaType, bytes, sha256: hash.digest('hex') };
}

/**
 * A file's name as a title: its last part, without control characters and without marks that turn the direction of
 * writing, at most 200 characters.
 */
export function titleOf(fileName: string): string {
  const name = fileName.toWellFormed().split(/[/\\]/).at(-1) ?? '';
  const visible = name
    .replace(/[\p{Cc}\p{Bidi_Control}]/gu, '')
    .replace(/\s+/g, ' ')
    .trim();
  return Array.from(visible).slice(0, MAX_TITLE_CHARACTERS).join('') || 'untitled';
}

const MAX_TITLE_CHARACTERS = 200;

/** @throws Problem when nobody here can decode it */
function charsetOf(label: string | undefined): string | null {
  if (label === undefined || label.trim() === '') return null;
  try {
    return new TextDecoder(label).encoding;
  } catch {
    const detail = `There is no charset '${label.slice(0, 40)}'. Known are those of the WHATWG's Encoding Standard.`;
    throw invalidFile(detail, '/charset');
  }
}

function refusedType(type: FileType): Problem {
  const what = 'refused' in type ? type.refused : type.mediaType;
  if (what === 'empty') return invalidFile('The file is empty.');
  return invalidFile(`The file is ${what}. Accepted are: ${READABLE_TYPES}.`);
}

function invalidFile(detail: string, pointer = '/file'): Problem {
  return new Problem(422, 'invalid-document', 'Invalid document', detail, { errors: [{ detail, pointer }] });
}

function malformed(): Problem {
  return new Problem(400, 'malformed-body', 'Malformed body', 'The body is not a complete multipart form.');
}

function tooLarge(maxBytes: number): Problem {
  const detail = `A document may have at most ${maxBytes} bytes.`;
  return new Problem(413, 'body-too-large', 'Body too large', detail);
}
