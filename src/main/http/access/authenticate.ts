import { hash, timingSafeEqual } from 'node:crypto';
import type { Context } from 'hono';
import type { ApiToken } from '../../api-tokens.ts';
import { Problem } from '../answers/problem.ts';
import type { Check } from './check.ts';
import type { AddressOf } from './client-address.ts';
import type { FailedLogins } from './failed-logins.ts';
import { isForBrowsers, isOpen } from './paths.ts';
import type { Role } from './roles.ts';

/** Who calls. */
export interface Caller {
  /** As it is kept with what they do: `api:NAME`. */
  actor: string;
  role: Role;
}

declare module 'hono' {
  interface ContextVariableMap {
    /** Not there for strangers, who come to the open paths only. */
    caller: Caller;
  }
}

interface Door {
  tokens: readonly ApiToken[];
  failedLogins: FailedLogins;
  addressOf: AddressOf;
}

/**
 * Finds out who calls, by their bearer token. Without configured tokens everybody may do everything. An address that
 * has failed too often is not even asked.
 */
export function authenticate({ tokens, failedLogins, addressOf }: Door): Check {
  const known = tokens.map(({ name, role, token }) => ({
    caller: { actor: `api:${name}`, role },
    digest: digestOf(token),
  }));
  return (c) => {
    if (known.length === 0) c.set('caller', ANONYMOUS);
    else if (!isOpen(c.req.path)) c.set('caller', callerOf(c));
  };

  function callerOf(c: Context): Caller {
    const address = addressOf(c);
    failedLogins.demandPatience(address);
    const isPage = isForBrowsers(c.req.path);
    const given = bearerToken(c) ?? (isPage ? basicPassword(c) : undefined);
    const caller = given === undefined ? undefined : match(given);
    if (caller !== undefined) return caller;
    failedLogins.count(address);
    const detail = given === undefined ? 'A bearer token is needed.' : 'The bearer token is not known.';
    const isPerson = isPage && /\btext\/html\b/.test(c.req.header('accept') ?? '');
    throw unauthenticated(detail, isPerson);
  }

  /** Compares digests, all of them: how long it takes tells nothing about a token. */
  function match(given: string): Caller | undefined {
    const digest = digestOf(given);
    const [found] = known.filter((token) => timingSafeEqual(token.digest, digest));
    return found?.caller;
  }
}

const ANONYMOUS: Caller = { actor: 'api:anonymous', role: 'admin' };

function digestOf(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}

function bearerToken(c: Context): string | undefined {
  return /^bearer +(\S+) *$/i.exec(c.req.header('authorization') ?? '')?.[1];
}

/** A person's browser asks for a name, which does not matter, and a password: the token. */
function basicPassword(c: Context): string | undefined {
  const encoded = /^basic +([A-Za-z0-9+/=]+) *$/i.exec(c.req.header('authorization') ?? '')?.[1];
  return encoded && /:(.+)$/s.exec(Buffer.from(encoded, 'base64').toString('utf8'))?.[1];
}

/** @param isPerson whose browser asks for a password when it is told to */
function unauthenticated(detail: string, isPerson: boolean): Problem {
  return new Problem(401, 'unauthenticated', 'Not authenticated', detail, {
    headers: { 'WWW-Authenticate': isPerson ? 'Bearer, Basic realm="Heddle", charset="UTF-8"' : 'Bearer' },
  });
}
