import type { Context } from 'hono';
import type { ApiToken } from '../../api-tokens.ts';
import { Problem } from '../answers/problem.ts';

/** What a token may do: each role may also do what those before it may. */
export type Role = ApiToken['role'];

const ROLES: readonly Role[] = ['viewer', 'operator', 'admin'];

/** Lets nobody through below this role. @throws Problem 403 */
export function demandRole(c: Context, role: Role): void {
  const { role: own } = c.get('caller');
  if (ROLES.indexOf(own) >= ROLES.indexOf(role)) return;
  const detail = `This needs the role ${role}; this token's role is ${own}.`;
  throw new Problem(403, 'forbidden', 'Not allowed', detail);
}
