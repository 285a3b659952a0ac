import type { Context, Next } from 'hono';
import { matchedRoutes } from 'hono/route';
import type { Registry } from 'prom-client';
import { z } from 'zod';
import type { ApiMetrics } from '../../observe/metrics/api.ts';
import type { Operations } from '../contract/operations.ts';

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
export function measureRequests(metrics: ApiMetrics) {
  return function measure(c: Context, next: Next): Promise<void> {
    const startedAt = performance.now();
    return next().then(() => {
      const seconds = (performance.now() - startedAt) / 1000;
      metrics.answered(methodOf(c), routeOf(c), c.res.status, seconds);
    });
  };
}

/** A client may send any that Node knows. */
function methodOf({ req }: Context): string {
  return METHODS.has(req.method) ? req.method : OTHER;
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'OPTIONS']);

/** As the API's document has it. What only matches middleware is no route. */
function routeOf(c: Context): string {
  const path = matchedRoutes(c).at(-1)?.path ?? '*';
  if (path.includes('*')) return OTHER;
  return path.replaceAll(/:(\w+)/g, '{$1}');
}

const OTHER = 'other';
