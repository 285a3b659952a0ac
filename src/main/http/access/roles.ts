import type { Context, MiddlewareHandler } from 'hono';
import type { ApiToken } from '../../api-tokens.ts';
import { Problem } from '../answers/problem.ts';

/** What a token may do: each role may also do what those before it may. */
export type Role = ApiToken['role'];

/** Lets nobody through below this role. */
export function atLeast(role: Role): MiddlewareHandler {
  return function atLeast(c, next) {
    demand(c, role);
    return next();
  };
}

const ROLES: readonly Role[] = ['viewer', 'operator', 'admin'];

function demand(c: Context, role: Role): void {
  const { role: own } = c.get('caller');
  if (ROLES.indexOf(own) >= ROLES.indexOf(role)) return;
  const detail = `This needs the role ${role}; this token's role is ${own}.`;
  throw new Problem(403, 'forbidden', 'Not allowed', detail);
}
