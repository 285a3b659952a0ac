import { z } from 'zod';

/* What a submission may hold, whoever makes it. `null` is as good as absent, everywhere. */

/** A time of ISO 8601 with its offset, in the years that PostgreSQL and JSON both know. */
export const instant = z.iso
  .datetime({ offset: true, error: 'must be an ISO 8601 time with an offset or Z' })
  .transform((text) => new Date(text))
  .refine((time) => time.getUTCFullYear() >= 1 && time.getUTCFullYear() <= 9999, 'is out of range');

const HUNDRED_YEARS_IN_SECONDS = 100 * 365 * 24 * 3600;

const between = (low: number, high: number) => {
  const error = `must be a number from ${low} to ${high}`;
  return z.number(error).min(low, error).max(high, error);
};
const whole = (low: number, high: number) => {
  const error = `must be a whole number from ${low} to ${high}`;
  return z.int(error).min(low, error).max(high, error);
};

/** Any object, as it is: z.record would leave out a key named `__proto__`. */
export const anyObject = z
  .custom<Record<string, unknown>>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'must be an object',
  )
  .meta({ type: 'object' });

/** The id of a task, or `#3`: the fourth task of the same batch. */
const DEPENDENCY = /^([\da-fA-F]{8}(-[\da-fA-F]{4}){3}-[\da-fA-F]{12}|#\d{1,4})$/;
const NO_DEPENDENCY = 'must be the id of a task';
const MOST_DEPENDENCIES = 10_000;

/** A submission, as the body of `POST /tasks` has it. */
export const submissionBody = z
  .strictObject({
    type: z.string().min(1, 'must not be empty'),
    params: anyObject.nullish(),
    description: z.string().nullish(),
    domain: z.string().nullish(),
    drift_score: z.number('must be a number').nullish(),
    run_immediately: z.boolean().nullish(),
    priority: whole(-100, 100).nullish(),
    run_at: instant.nullish(),
    delay_seconds: between(0, HUNDRED_YEARS_IN_SECONDS).nullish(),
    max_retries: whole(0, 1_000_000).nullish(),
    timeout_seconds: z.number('must be a number').positive('must be more than 0').nullish(),
    unique_key: z.string().min(1, 'must not be empty').max(255, 'must have at most 255 characters').nullish(),
    depends_on: z
      .array(z.string(NO_DEPENDENCY).regex(DEPENDENCY, NO_DEPENDENCY))
      .max(MOST_DEPENDENCIES, `must have at most ${MOST_DEPENDENCIES} tasks`)
      .nullish(),
    on_dependency_failure: z.enum(['cancel', 'run'], "must be 'cancel' or 'run'").nullish(),
    // Some SeedCore clients send these; they mean nothing here.
    snapshot_id: z.unknown().optional(),
    attached_fact_ids: z.unknown().optional(),
  })
  .transform(({ snapshot_id: _s, attached_fact_ids: _a, ...submission }) => submission)
  .meta({ id: 'Submission' });
