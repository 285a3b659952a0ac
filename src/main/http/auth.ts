import { createHash, timingSafeEqual } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import type { ApiToken } from '../config.ts';
import { Problem } from './problem.ts';

export type Role = ApiToken['role'];

/** Who calls. */
export interface Caller {
  /** As it is kept with what they do: `api:NAME`. */
  actor: string;
  role: Role;
}

declare module 'hono' {
  interface ContextVariableMap {
    caller: Caller;
  }
}

/** Finds out who calls, by their bearer token. Without configured tokens everybody may do everything. */
export function authenticate(tokens: readonly ApiToken[]): MiddlewareHandler {
  const known = tokens.map(({ name, role, token }) => ({ name, role, hash: hash(token) }));
  return async function authenticate(c, next) {
    c.set('caller', known.length === 0 ? ANONYMOUS : callerOf(c, known));
    await next();
  };
}

/** Lets nobody through below this role. */
export function atLeast(role: Role): MiddlewareHandler {
  return async function atLeast(c, next) {
    demand(c, role);
    await next();
  };
}

const ANONYMOUS: Caller = { actor: 'api:anonymous', role: 'admin' };
const RANKS: readonly Role[] = ['viewer', 'operator', 'admin'];

/** Compares hashes, all of them: how long it takes tells nothing about a token. */
function callerOf(c: Context, known: readonly { name: string; role: Role; hash: Buffer }[]): Caller {
  const given = /^bearer +(\S+) *$/i.exec(c.req.header('authorization') ?? '')?.[1];
  const hashed = hash(given ?? '');
  const [match] = known.filter((token) => timingSafeEqual(token.hash, hashed));
  if (given === undefined || match === undefined) {
    const detail = given === undefined ? 'A bearer token is needed.' : 'The bearer token is not known.';
    throw new Problem(401, 'unauthenticated', 'Not authenticated', detail, {
      headers: { 'WWW-Authenticate': 'Bearer' },
    });
  }
  return { actor: `api:${match.name}`, role: match.role };
}

function hash(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function demand(c: Context, role: Role): void {
  const { role: own } = c.get('caller');
  if (RANKS.indexOf(own) >= RANKS.indexOf(role)) return;
  throw new Problem(
    403,
    'forbidden',
    'Not allowed',
    `This needs the role ${role}; this token's role is ${own}.`,
  );
}
