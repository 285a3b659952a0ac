import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { NewDocument } from '../../database/documents.ts';
import { Problem } from '../answers/problem.ts';

/** Middleware that refuses a body with a file of more than `maxBytes`, while it comes in. */
export function limitUpload(maxBytes: number) {
  return bodyLimit({
    maxSize: maxBytes + MULTIPART_OVERHEAD_BYTES,
    onError: () => {
      throw tooLarge(maxBytes);
    },
  });
}

/** Boundaries and headers of the multipart form around the file. */
const MULTIPART_OVERHEAD_BYTES = 16 * 1024;

/**
 * Reads the one file of a multipart form, which is in memory from then on.
 * @throws Problem when it is missing, empty, larger than `maxBytes` or of a type that nobody here can read
 */
export async function readUpload(c: Context, maxBytes: number): Promise<NewDocument> {
  requireMultipart(c);
  const file = fileOf(await readForm(c));
  if (file.size > maxBytes) throw tooLarge(maxBytes);
  return { title: titleOf(file.name), mediaType: await mediaTypeOf(file), content: file };
}

function requireMultipart(c: Context): void {
  const mediaType = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (mediaType === 'multipart/form-data') return;
  const detail =
    mediaType === 'application/json'
      ? 'Documents given as JSON are not accepted yet: send a file as multipart/form-data, in the field "file".'
      : 'Send the file as multipart/form-data, in the field "file".';
  throw new Problem(415, 'unsupported-media-type', 'Unsupported media type', detail);
}

async function readForm(c: Context): Promise<FormData> {
  try {
    return await c.req.raw.formData();
  } catch {
    throw new Problem(400, 'malformed-body', 'Malformed body', 'The body is not a complete multipart form.');
  }
}

function fileOf(form: FormData): File {
  const [file, ...more] = form.getAll('file');
  if (!(file instanceof File)) throw invalidFile('The form has no file in the field "file".');
  if (more.length > 0) throw invalidFile('The form has more than one file: send one at a time.');
  return file;
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

/** By what the file begins with: its name and the type its sender gives it may be wrong. */
async function mediaTypeOf(file: File): Promise<string> {
  if (file.size === 0) throw invalidFile('The file is empty.');
  const beginning = Buffer.from(await file.slice(0, 1024).arrayBuffer());
  // Readers of PDF accept a little text before it.
  if (beginning.includes('%PDF-')) return 'application/pdf';
  throw invalidFile('The file is not a PDF. Accepted are: PDF (application/pdf).');
}

function invalidFile(detail: string): Problem {
  return new Problem(422, 'invalid-document', 'Invalid document', detail, {
    errors: [{ detail, pointer: '/file' }],
  });
}

function tooLarge(maxBytes: number): Problem {
  return new Problem(
    413,
    'body-too-large',
    'Body too large',
    `A document may have at most ${maxBytes} bytes.`,
  );
}
