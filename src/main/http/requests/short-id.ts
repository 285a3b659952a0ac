import type { Context } from 'hono';
import type { Queryable } from '../../database/connect.ts';
import { idsLike } from '../../database/ids-like.ts';
import { Problem } from '../answers/problem.ts';

/**
 * The id that the address means, which may be shortened. A whole id need not exist.
 * @throws Problem 404 when nothing is meant, 409 when several are
 */
export async function idMeant(c: Context, database: Queryable, thing: Thing): Promise<string> {
  const typed = c.req.param('id') ?? '';
  const [id, another] = await idsLike(database, `${thing}s`, typed);
  if (id === undefined) throw noSuch(thing, typed);
  if (another === undefined) return id;
  throw new Problem(
    409,
    'ambiguous-id',
    'Ambiguous id',
    `More than one ${thing} has an id that begins or ends with '${typed}'; give more of it.`,
  );
}

export function noSuch(thing: Thing, typed: string): Problem {
  const short = typed.length < 4 ? ' (a shortened id needs at least 4 characters)' : '';
  return new Problem(
    404,
    `${thing}-not-found`,
    `${NAMES[thing]} not found`,
    `There is no ${thing} with the id '${typed}'${short}.`,
  );
}

type Thing = keyof typeof NAMES;

const NAMES = { task: 'Task', document: 'Document', fact: 'Fact' } as const;
