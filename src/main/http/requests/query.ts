import type { Context } from 'hono';
import { z } from 'zod';
import { Problem } from '../answers/problem.ts';

/**
 * Reads the query parameters that a schema knows; of those that are lists there, every occurrence.
 * @returns a reader, which throws Problem 400 when one does not parse
 */
export function queryReader<Query>(schema: z.ZodType<Query>): (c: Context) => Query {
  const lists = listsOf(schema);
  return (c) => {
    const given: Record<string, unknown> = { ...c.req.query() };
    for (const name of lists) given[name] = c.req.queries(name);
    const parsed = schema.safeParse(given);
    if (parsed.success) return parsed.data;
    const details = parsed.error.issues.map(
      (issue) => `the parameter ${String(issue.path[0])} ${issue.message}`,
    );
    throw badParameter(details.join('; '));
  };
}

/** A query parameter that does not parse. */
export function badParameter(detail: string): Problem {
  return new Problem(400, 'bad-parameter', 'Bad parameter', detail);
}

/** The names of an object schema's members that are arrays. */
function listsOf(schema: z.ZodType): string[] {
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries(schema.shape)
    .filter(([, member]) => member instanceof z.ZodOptional && member.unwrap() instanceof z.ZodArray)
    .map(([name]) => name);
}
