import { vectorsOf } from './answer.ts';
import type { EmbeddingsConfig } from './config.ts';
import type { Patience } from './embedder.ts';
import { EmbeddingError } from './error.ts';

type Endpoint = Extract<EmbeddingsConfig, { kind: 'endpoint' }>;

/**
 * Asks an endpoint for embeddings by OpenAI's protocol: `POST {model, input: […]}`.
 * @returns a vector for each text, in their order
 * @throws EmbeddingError that says whether a later try may help: yes after no answer in time, a broken connection, 408,
 *   429 and 5xx; no after other statuses, and after an answer that is none
 */
export async function askEndpoint(
  endpoint: Endpoint,
  texts: readonly string[],
  { timeoutMs, signal }: Patience,
): Promise<Float32Array[]> {
  const tooLate = AbortSignal.timeout(timeoutMs);
  const stopped = signal === undefined ? tooLate : AbortSignal.any([signal, tooLate]);
  try {
    const response = await fetch(endpoint.url, {
      method: 'POST',
      headers: headersOf(endpoint),
      body: JSON.stringify({ model: endpoint.model, input: texts }),
      // To follow one would hand the texts to somebody else.
      redirect: 'manual',
      signal: stopped,
    });
    const body = await readText(response);
    if (!response.ok) throw refused(response, body, endpoint);
    return vectorsOf(body, texts.length);
  } catch (error) {
    if (error instanceof EmbeddingError) throw error;
    signal?.throwIfAborted();
    if (tooLate.aborted)
      throw new EmbeddingError(
        `the embeddings endpoint did not answer within ${timeoutMs / 1000} s`,
        PASSING,
      );
    throw new EmbeddingError(`the embeddings endpoint cannot be reached: ${reasonOf(error)}`, {
      ...PASSING,
      cause: error,
    });
  }
}

const PASSING = { isPassing: true };

function headersOf({ apiKey }: Endpoint): Record<string, string> {
  return {
    'content-type': 'application/json',
    accept: 'application/json',
    ...(apiKey !== null && { authorization: `Bearer ${apiKey}` }),
  };
}

/** @throws EmbeddingError when it has no end */
async function readText({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body ?? []) {
    parts.push(part);
    bytes += part.length;
    if (bytes > MOST_BYTES)
      throw new EmbeddingError('the embeddings endpoint answered with more than 32 MiB', {
        isPassing: false,
      });
  }
  return Buffer.concat(parts).toString('utf8');
}

/** Several times what a batch's vectors need, as numbers with all their digits. */
const MOST_BYTES = 32 * 1024 * 1024;

function refused({ status, headers }: Response, body: string, { apiKey }: Endpoint): EmbeddingError {
  const isPassing = status === 408 || status === 429 || status >= 500;
  const location = headers.get('location');
  const said = location === null ? wordsOf(body) : `a redirect to ${location}`;
  // Some endpoints repeat the key that they do not know.
  const told = apiKey === null ? said : said.replaceAll(apiKey, '…');
  return new EmbeddingError(`the embeddings endpoint answered with status ${status}: ${told}`, {
    isPassing,
    retryAfterSeconds: isPassing ? secondsIn(headers.get('retry-after')) : null,
  });
}

/** What an error answer says: OpenAI's `{error: {message}}`, or its beginning. */
function wordsOf(body: string): string {
  try {
    const { error, message, detail } = JSON.parse(body) as Record<string, unknown>;
    const said = (error as { message?: unknown } | undefined)?.message ?? error ?? message ?? detail;
    if (typeof said === 'string') return shortened(said);
  } catch {
    // It is not JSON: then as it is.
  }
  return shortened(body) || 'nothing';
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= MOST_WORDS ? line : `${line.slice(0, MOST_WORDS).toWellFormed()}…`;
}

/** In UTF-16 units. */
const MOST_WORDS = 300;

/** `Retry-After` as RFC 9110 has it: seconds, or a date. */
function secondsIn(header: string | null): number | null {
  if (header === null) return null;
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.min(LONGEST_REST_SECONDS, Math.max(0, Math.ceil(seconds))) : null;
}

const LONGEST_REST_SECONDS = 3600;

/** fetch says "fetch failed", and why in its cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  const { code, message: inner } = (cause ?? {}) as { code?: string; message?: string };
  return inner || code || message;
}
