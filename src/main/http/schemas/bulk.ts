import { z } from 'zod';
import { instant } from '../../engine/submission.ts';
import { STATUSES } from '../../engine/task.ts';

const status = z.enum(STATUSES);
const text = z.string().min(1, 'must not be empty');

/** `POST /tasks/run` and `/tasks/cancel`: the filters of the list, of which there must be one, unless all are meant. */
export const bulkBody = z
  .strictObject({
    status: z
      .union(
        [status, z.array(status).min(1)],
        `must be one of ${STATUSES.join(', ')}, or some of them in an array`,
      )
      .nullish(),
    type: text.nullish(),
    domain: text.nullish(),
    unique_key: text.nullish(),
    created_after: instant.nullish(),
    created_before: instant.nullish(),
    q: text
      .nullish()
      .meta({ description: 'Occurs in the description, the error or the params, in upper or lower case' }),
    dry_run: z.boolean().nullish().meta({ description: 'Only counts' }),
    all: z
      .boolean()
      .nullish()
      .meta({ description: 'Every task is meant that the filters, if there are any, leave' }),
  })
  .refine(
    ({ dry_run: _, all, ...filter }) => all === true || Object.values(filter).some((value) => value != null),
    'needs a filter, or all: true',
  )
  .meta({ id: 'Bulk' });

/** How many tasks matched, and how many of them changed. */
export const bulkCounts = z
  .object({
    matched: z.int().min(0),
    changed: z.int().min(0).meta({ description: '0 in a dry run' }),
  })
  .meta({ id: 'BulkCounts' });
