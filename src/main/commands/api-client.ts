import type { Config } from '../config.ts';
import { CommandError } from './command.ts';

/** How to reach the API; what is not given comes from the configuration. */
export interface ApiAddress {
  url?: string | undefined;
  token?: string | undefined;
}

/** Asks the API. @returns the answer's JSON @throws CommandError with what the API, or the network, has to say */
export type CallApi = <T>(
  method: string,
  path: string,
  more?: { body?: unknown; headers?: Record<string, string> },
) => Promise<T>;

/** A client of the API that this configuration starts, or of the one at another address. */
export function apiClient(config: Config, { url, token }: ApiAddress): CallApi {
  const base = url?.replace(/\/+$/, '') ?? ownUrl(config);
  // The configured tokens are for the configured API, and for no other address.
  const bearer = token ?? (url === undefined ? ownToken(config) : undefined);

  return async (method, path, { body, headers } = {}) => {
    const response = await reach(`${base}/api/v1${path}`, {
      method,
      headers: {
        accept: 'application/json',
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const answer = await response.json().catch(() => undefined);
    if (response.ok && answer !== undefined) return answer as never;
    throw new CommandError(explain(response, answer));
  };
}

/** An address to listen on is not always one to connect to. */
function ownUrl({ http: { host, port } }: Config): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

/** The first that may submit, else the first. */
function ownToken({ http: { tokens } }: Config): string | undefined {
  return (tokens.find(({ role }) => role !== 'viewer') ?? tokens[0])?.token;
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    const { message, cause } = error as Error;
    const reason = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : message;
    throw new CommandError(`cannot reach ${url}: ${reason}`);
  }
}

/** The problem's sentence, and a line for each fault when there are several. */
function explain(response: Response, answer: unknown): string {
  const { detail, errors = [] } = (answer ?? {}) as Partial<ProblemJson>;
  const headline = detail ?? `${response.url} answered ${response.status} without saying why`;
  if (errors.length < 2) return headline;
  return [headline, ...errors.map((fault) => `  ${fault.pointer || '/'}: ${fault.detail}`)].join('\n');
}

interface ProblemJson {
  detail: string;
  errors: { detail: string; pointer: string }[];
}
