import type { Context } from 'hono';
import type { Queryable } from '../../database/connect.ts';
import type { Problem } from '../answers/problem.ts';
import { idMeant, noSuch } from './short-id.ts';

/**
 * The id of the task that the address means, which may be shortened. A whole id need not exist.
 * @throws Problem 404 when no task is meant, 409 when several are
 */
export function taskId(c: Context, database: Queryable): Promise<string> {
  return idMeant(c, database, 'task');
}

export function noSuchTask(typed: string): Problem {
  return noSuch('task', typed);
}
