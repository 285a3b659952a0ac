import type { Context } from 'hono';
import type { z } from 'zod';
import { Problem } from './problem.ts';

/**
 * The query parameters that a schema knows; of those that are lists there, every occurrence.
 * @throws Problem 400 when one does not parse
 */
export function readQuery<T extends z.ZodType>(
  c: Context,
  schema: T,
  lists: readonly string[] = [],
): z.output<T> {
  const given: Record<string, unknown> = { ...c.req.query() };
  for (const name of lists) given[name] = c.req.queries(name);
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.map(
    (issue) => `the parameter ${String(issue.path[0])} ${issue.message}`,
  );
  throw badParameter(details.join('; '));
}

/** A query parameter that does not parse. */
export function badParameter(detail: string): Problem {
  return new Problem(400, 'bad-parameter', 'Bad parameter', detail);
}
