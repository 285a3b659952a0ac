import type { IncomingMessage } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { z } from 'zod';
import { escapePointer } from '../../database/storable.ts';
import { Problem, type ProblemDetail } from '../answers/problem.ts';

/**
 * Reads a JSON body and checks it.
 * @param limit in bytes, looked after while reading
 * @throws Problem 400, 413, 415 or 422
 */
export async function readBody<T extends z.ZodType>(
  c: Context,
  schema: T,
  limit: number,
): Promise<z.output<T>> {
  const bytes = await readBytes(c, limit);
  if (bytes.length === 0) throw new Problem(400, 'missing-body', 'Missing body', 'A JSON body is needed.');
  demandJson(c);
  const value = parseJson(bytes);
  // With words of its own zod leaves its fast path: they are asked for only where there is a fault.
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { error = parsed.error } = schema.safeParse(value, { error: wording });
  throw invalid(error.issues.flatMap(toFaults));
}

/** The answer to a body that is JSON, but not what it should be. Of many faults the first hundred are told. */
export function invalid(
  faults: readonly ProblemDetail[],
  type = 'invalid-body',
  title = 'Invalid body',
  headline = sentence(faults[0]),
): Problem {
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
  return new Problem(422, type, title, `${headline}${more}`, { errors: faults.slice(0, 100) });
}

function sentence(fault: ProblemDetail | undefined): string {
  return `${fault?.pointer || 'The body'} ${fault?.detail}`;
}

/** Never holds more than the limit, whatever Content-Length says or does not say. */
function readBytes(c: Context, limit: number): Promise<Uint8Array> {
  if (Number(c.req.header('content-length') ?? 0) > limit) throw tooLarge(limit);
  const { incoming } = (c.env ?? {}) as Partial<HttpBindings>;
  return incoming === undefined ? readStream(c.req.raw.body, limit) : readIncoming(incoming, limit);
}

/** As `Request.arrayBuffer` does it, without a second copy of the bytes, a dozen listeners, and promises for each step. */
function readIncoming(incoming: IncomingMessage, limit: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) reject(tooLarge(limit));
      else chunks.push(chunk);
    });
    incoming.once('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    incoming.once('close', () => {
      if (!incoming.readableEnded) reject(incomplete());
    });
  });
}

/** Of a request that came without a socket. */
async function readStream(body: ReadableStream<Uint8Array> | null, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The connection has broken: nobody will read this, but it is no failure of this side. */
function incomplete(): Problem {
  return new Problem(400, 'incomplete-body', 'Incomplete body', 'The body did not arrive as a whole.');
}

function tooLarge(limit: number): Problem {
  return new Problem(413, 'body-too-large', 'Body too large', `A body may have at most ${limit} bytes.`);
}

function demandJson(c: Context): void {
  const type = c.req.header('content-type') ?? 'none';
  const encoding = c.req.header('content-encoding') ?? 'identity';
  if (!/^application\/([\w.+-]+\+)?json *(;|$)/i.test(type)) {
    throw notJson(`The body must be application/json, not ${type}.`);
  }
  if (encoding !== 'identity') throw notJson(`The body must be sent as it is, not encoded as ${encoding}.`);
}

function notJson(detail: string): Problem {
  return new Problem(415, 'not-json', 'Not JSON', detail);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(UTF8.decode(bytes));
  } catch (error) {
    const reason = error instanceof SyntaxError ? error.message : 'it is not UTF-8';
    throw new Problem(400, 'malformed-json', 'Malformed JSON', `The body is not valid JSON: ${reason}`);
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Short predicates, as ajv's are: "is required". */
function wording(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== 'invalid_type') return undefined;
  if (issue.input === undefined) return 'is required';
  return `must be ${/^[aeiou]/.test(issue.expected) ? 'an' : 'a'} ${issue.expected}`;
}

function toFaults(issue: z.core.$ZodIssue): ProblemDetail[] {
  const pointer = issue.path.map((step) => `/${escapePointer(String(step))}`).join('');
  if (issue.code !== 'unrecognized_keys') return [{ detail: issue.message, pointer }];
  return issue.keys.map((key) => ({
    detail: 'is not a known field',
    pointer: `${pointer}/${escapePointer(key)}`,
  }));
}
