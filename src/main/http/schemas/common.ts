import { z } from 'zod';

/* What several resources have in common. Schemas of answers describe JSON: a time is text there. */

/** A point in time as answers have it: ISO 8601, UTC, milliseconds. */
export const timestamp = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  .meta({ format: 'date-time' });

export const id = z
  .string()
  .regex(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/)
  .meta({ format: 'uuid' });

/** Any JSON value. */
export const json = z.unknown();

/** What happened to a thing that was deleted. */
export const deleted = z.object({ deleted: id }).meta({ id: 'Deleted' });

/** An answer that is not a success: RFC 9457. */
export const problem = z
  .object({
    type: z.string().regex(/^\/problems\/[a-z-]+$/),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().meta({ description: 'A sentence for the person who reads it' }),
    instance: z.string(),
    errors: z
      .array(
        z.object({
          detail: z.string(),
          pointer: z.string().meta({ description: 'A JSON Pointer (RFC 6901) into the body' }),
        }),
      )
      .optional(),
  })
  .meta({ id: 'Problem' });

/** A query parameter that is a whole number. */
export function digits(low: number, high: number) {
  const error = `must be a whole number from ${low} to ${high}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, error)
    .transform(Number)
    .pipe(z.int().min(low, error).max(high, error))
    .meta({ type: 'integer', minimum: low, maximum: high });
}

/** What the next page of a list begins after. */
export const nextCursor = z.string().nullable();
