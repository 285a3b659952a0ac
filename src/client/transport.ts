import { ConnectionError, type Fault, HeddleError } from './errors.ts';
import { pause } from './pause.ts';
import { isInProgress, isWorthRepeating, pauseMs, type Repeatable } from './retry.ts';

export interface TransportOptions {
  /** Where the API is, without `/api/v1`. */
  url: string;
  /** A bearer token. */
  token?: string | undefined;
  /** @default the global one */
  fetch?: typeof fetch | undefined;
  /** How long an answer is waited for, in milliseconds. @default 30,000 */
  timeoutMs?: number | undefined;
  /** How often a request is sent again. @default 4 */
  retries?: number | undefined;
}

export interface Call {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** From the root on. */
  path: string;
  query?: Record<string, QueryValue>;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
  /** How much longer than usual the answer may take, in seconds. */
  waitSeconds?: number;
  /** @default 'always' */
  repeatable?: Repeatable;
  /** A status that is as good as a success. */
  alsoGood?: number;
}

type QueryValue = string | number | boolean | Date | readonly string[] | undefined;

/** Sends requests, and sends them again when that makes sense. */
export class Transport {
  readonly retries: number;
  readonly #base: string;
  readonly #token: string | undefined;
  readonly #fetch: typeof fetch;
  readonly #timeoutMs: number;

  constructor({ url, token, fetch, timeoutMs, retries }: TransportOptions) {
    this.#base = url.replace(/\/+$/, '');
    this.#token = token;
    // Called as a method of something else, a browser's own would not work.
    this.#fetch = fetch ?? ((...request) => globalThis.fetch(...request));
    this.#timeoutMs = timeoutMs ?? 30_000;
    this.retries = retries ?? 4;
  }

  /** @returns the answer's JSON @throws HeddleError, ConnectionError, the signal's reason */
  json<T>(call: Call): Promise<T> {
    return this.#persistently(call, async (response, url) => {
      const text = await response.text();
      const isGood = response.ok || response.status === call.alsoGood;
      const answer = parse(text);
      if (isGood && answer !== undefined) return answer as T;
      throw refusal(response, url, answer);
    });
  }

  /** @returns an answer whose body is still to be read, however long that takes @throws as `json` */
  open(call: Call): Promise<Response> {
    return this.#persistently(call, async (response, url) => {
      if (response.ok) return response;
      throw refusal(response, url, parse(await response.text()));
    });
  }

  async #persistently<T>(call: Call, read: (response: Response, url: string) => Promise<T>): Promise<T> {
    const patientUntil = Date.now() + this.#timeoutMs;
    for (let tries = 1; ; tries++) {
      let retryAfter: string | null = null;
      try {
        return await this.#once(call, (response, url) => {
          retryAfter = response.headers.get('retry-after');
          return read(response, url);
        });
      } catch (error) {
        call.signal?.throwIfAborted();
        const isPatient = isInProgress(error) && Date.now() < patientUntil;
        if (tries > this.retries && !isPatient) throw error;
        if (!isWorthRepeating(error, call.repeatable ?? 'always')) throw error;
      }
      await pause(pauseMs(tries, retryAfter, Date.now(), Math.random()), call.signal);
    }
  }

  /** The time is up when the answer has not been read, whichever part of it is missing. */
  async #once<T>(call: Call, read: (response: Response, url: string) => Promise<T>): Promise<T> {
    const { method, body, signal, waitSeconds = 0 } = call;
    const url = this.#base + call.path + queryText(call.query);
    const ms = this.#timeoutMs + waitSeconds * 1000;
    const request = new AbortController();
    const abort = () => request.abort(signal?.reason);
    const timer = setTimeout(() => request.abort(new Error(`no answer within ${ms / 1000} s`)), ms);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const response = await this.#fetch(url, {
        method,
        headers: this.#headers(call),
        signal: request.signal,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return await read(response, url);
    } catch (error) {
      if (error instanceof HeddleError) throw error;
      throw new ConnectionError(`cannot reach ${url}: ${reasonOf(error)}`, { cause: error });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  #headers({ body, headers }: Call): Record<string, string> {
    return {
      accept: 'application/json',
      ...(this.#token !== undefined && { authorization: `Bearer ${this.#token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    };
  }
}

function queryText(query: Call['query'] = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined) search.append(name, one instanceof Date ? one.toISOString() : String(one));
    }
  }
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusal({ status, headers }: Response, url: string, answer: unknown): HeddleError {
  const problem = (typeof answer === 'object' && answer !== null ? answer : {}) as Partial<Problem>;
  return new HeddleError(problem.detail ?? `${url} answered ${status} without saying why`, {
    status,
    type: problem.type ?? 'about:blank',
    errors: problem.errors ?? [],
    requestId: headers.get('x-request-id'),
  });
}

interface Problem {
  type: string;
  detail: string;
  errors: Fault[];
}

/** Node wraps what went wrong. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  if (!(cause instanceof Error)) return message;
  return cause.message || String((cause as { code?: unknown }).code);
}
