import { isIP } from 'node:net';
import type { Context } from 'hono';
import { Problem } from '../answers/problem.ts';
import type { Check } from './check.ts';

/**
 * Refuses what a page of somebody else lets its visitor's browser change here. It knows no token, but where none is
 * needed, or a proxy adds one, being able to reach the API would be enough.
 * @param corsOrigins whose pages may
 */
export function refuseForeignPages(corsOrigins: readonly string[]): Check {
  return (c) => {
    if (!HARMLESS_METHODS.has(c.req.method) && isForeign(c)) throw foreignPage(c);
  };

  function isForeign(c: Context): boolean {
    const origin = c.req.header('origin');
    if (origin !== undefined && isAllowed(origin)) return false;
    const site = c.req.header('sec-fetch-site');
    if (site !== undefined) return site !== 'same-origin' && site !== 'none';
    // A browser from before 2023, or none at all, which sends neither.
    return origin !== undefined && !isOwn(origin, c.req.header('host'));
  }

  function isAllowed(origin: string): boolean {
    return corsOrigins.includes('*') || corsOrigins.includes(origin);
  }
}

/** Other sites' pages may send them, and are not shown the answer. */
const HARMLESS_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** By the host alone: behind a proxy that does TLS, the scheme is another one here. */
function isOwn(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
}

function foreignPage(c: Context): Problem {
  const whose = c.req.header('origin') ?? 'another site';
  const detail = `Pages of ${whose} may change nothing here. Whose pages may is set by CORS_ORIGINS.`;
  return new Problem(403, 'foreign-page', 'Foreign page', detail);
}

/**
 * Refuses names that are not this machine's own. For an API without tokens on loopback: else a page could let its own
 * name point to 127.0.0.1 (DNS rebinding), and would be of the same origin as the API for its visitor's browser.
 * @param host what HOST is set to
 */
export function refuseForeignNames(host: string): Check {
  /** Nearly all requests name the same one. */
  let lastOwn: string | undefined;
  return (c) => {
    const given = c.req.header('host');
    if (given === lastOwn) return;
    const name = nameIn(given);
    if (name !== undefined && name !== host.toLowerCase() && !isLocalName(name)) throw foreignName(name);
    lastOwn = given;
  };
}

/** Without the port and without the brackets of IPv6. */
function nameIn(host: string | undefined): string | undefined {
  return host
    ?.toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1');
}

/** An address cannot be made to point elsewhere; `localhost` and what ends in it is this machine (RFC 6761). */
function isLocalName(name: string): boolean {
  return isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost');
}

function foreignName(name: string): Problem {
  const detail = `Without tokens this API answers to localhost and to addresses, not to '${name}'. Set API_TOKENS, or API_AUTH=none when whoever reaches it may use it.`;
  return new Problem(403, 'foreign-name', 'Foreign name', detail);
}
