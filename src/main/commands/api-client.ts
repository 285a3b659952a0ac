import { type Client, ConnectionError, createClient, HeddleError } from '../../client/index.ts';
import type { Config } from '../config.ts';
import { CommandError, UsageError } from './command.ts';

/** How to reach the API; what is not given comes from the configuration. */
export interface ApiAddress {
  url?: string | undefined;
  token?: string | undefined;
}

/** A client of the API that this configuration starts, or of the one at another address. */
export function apiClient(config: Config, { url, token }: ApiAddress): Client {
  return createClient({
    url: url ?? ownUrl(config),
    // The configured tokens are for the configured API, and for no other address.
    token: token ?? (url === undefined ? ownToken(config) : undefined),
    // Somebody sits there and waits.
    retries: 2,
  });
}

/**
 * Waits for an answer of the API.
 * @throws CommandError with what the API, or the network, has to say; UsageError when it is about what was asked for
 */
export async function answerOf<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ConnectionError) throw new CommandError(error.message);
    if (!(error instanceof HeddleError)) throw error;
    throw error.status === 400 ? new UsageError(error.detail) : new CommandError(explain(error));
  }
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

/** The problem's sentence, and a line for each fault when there are several. */
function explain({ detail, errors }: HeddleError): string {
  if (errors.length < 2) return detail;
  return [detail, ...errors.map((fault) => `  ${fault.pointer || '/'}: ${fault.detail}`)].join('\n');
}
