import { z } from 'zod';
import { STATUSES } from '../../engine/task.ts';

const count = z.int().min(0);
const isEstimate = z
  .literal(true)
  .optional()
  .meta({ description: 'There are too many to be counted: the larger numbers are estimates' });

const percentile = z.number().nullable();
const percentiles = z
  .object({ p50: percentile, p95: percentile, p99: percentile })
  .meta({ id: 'Percentiles', description: 'In milliseconds, to ±5 %; null when nothing ended' });

/** `GET /stats`. */
export const statistics = z
  .object({
    tasks: z.object({
      by_status: z.record(z.enum(STATUSES), count),
      by_type: z.record(z.string(), count),
      is_estimate: isEstimate,
    }),
    queue: z.object({
      ready: count.meta({ description: 'Queued and due' }),
      scheduled: count.meta({ description: 'Queued and due later' }),
      oldest_ready_age_seconds: z
        .number()
        .min(0)
        .nullable()
        .meta({ description: 'How long the task has been due that has waited longest; null when none is' }),
      is_estimate: isEstimate,
    }),
    last_hour: z
      .object({
        completed: count,
        failed: count,
        retried: count.meta({ description: 'Attempts after which their task was to be tried again' }),
        wait_ms: percentiles.meta({ description: 'From when an attempt was due until it began' }),
        run_ms: percentiles.meta({ description: 'How long attempts ran' }),
      })
      .meta({
        description:
          'As runners have told, about once a second: the last second of one that was killed is missing',
      }),
  })
  .meta({ id: 'Statistics' });
