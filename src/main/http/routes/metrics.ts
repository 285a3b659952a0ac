import type { Registry } from 'prom-client';
import { z } from 'zod';
import type { ApiMetrics } from '../../observe/metrics/api.ts';
import type { Operations } from '../contract/operations.ts';
import type { Answered } from '../entrance.ts';

/** `GET /metrics`, of an API or of a runner. */
export function metricsRoute(api: Operations, registry: Registry): void {
  api.on(
    {
      method: 'get',
      path: '/metrics',
      operationId: 'getMetrics',
      summary: 'Get the metrics, for Prometheus',
      description:
        'Of this process, and of the database, at most 5 seconds old. While the database is away, without the latter.',
      tag: 'statistics',
      role: 'viewer',
      answers: {
        200: { description: "Prometheus' text format", schema: z.string(), contentType: 'text/plain' },
      },
    },
    async (c) => c.body(await registry.metrics(), 200, { 'Content-Type': registry.contentType }),
  );
}

/** Measures how long requests take, of each route. */
export function measureRequests(metrics: ApiMetrics): Answered {
  return ({ req: { method } }, route, status, seconds) =>
    metrics.answered(METHODS.has(method) ? method : 'other', route, status, seconds);
}

/** A client may send any that Node knows. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'OPTIONS']);
