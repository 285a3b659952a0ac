import { z } from 'zod';
import { instant, submissionBody } from '../engine/submission.ts';
import { STATUSES } from '../engine/task.ts';

/* What callers send. `null` is as good as absent, everywhere. */

/** `POST /tasks/batch`. */
export const batchBody = z.strictObject({
  tasks: z
    .array(submissionBody)
    .min(1, 'must have at least 1 task')
    .max(1000, 'must have at most 1000 tasks'),
});

const digits = (low: number, high: number) => {
  const error = `must be a whole number from ${low} to ${high}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, error)
    .transform(Number)
    .pipe(z.int().min(low, error).max(high, error));
};

/** `GET /tasks`. Unknown parameters are not looked at. */
export const taskListQuery = z
  .object({
    status: z.array(z.enum(STATUSES, `must be one of ${STATUSES.join(', ')}`)).optional(),
    type: z.string().optional(),
    domain: z.string().optional(),
    unique_key: z.string().optional(),
    created_after: instant.optional(),
    created_before: instant.optional(),
    q: z.string().optional(),
    limit: digits(1, 1000).default(50),
    cursor: z.string().optional(),
    offset: digits(0, Number.MAX_SAFE_INTEGER).optional(),
  })
  .refine((query) => query.cursor === undefined || query.offset === undefined, {
    path: ['offset'],
    message: 'cannot be combined with cursor',
  });

/** `GET /documents`. */
export const documentListQuery = z.object({
  limit: digits(1, 1000).default(50),
  cursor: z.string().optional(),
});
