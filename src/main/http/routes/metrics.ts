import type { Registry } from 'prom-client';
import { z } from 'zod';
import type { ApiMetrics } from '../../observe/metrics/api.ts';
import type { Operations } from '../contract/operations.ts';
import type { Answered } from '../entrance.ts';

/**
 * `GET /metrics`, of an API or of a runner.
 * @param others metrics of another process that are told with them, in the same format
 */
export function metricsRoute(
  api: Operations,
  registry: Registry,
  others: () => Promise<string> = async () => '',
): void {
  api.on(
    {
      method: 'get',
      path: '/metrics',
      operationId: 'getMetrics',
      summary: 'Get the metrics, for Prometheus',
      description:
        'Of this process, with `heddle start` of its runner, too, and of the database, at most 5 seconds old. While the database is away, without the latter.',
      tag: 'statistics',
      role: 'viewer',
      answers: {
        200: { description: "Prometheus' text format", schema: z.string(), contentType: 'text/plain' },
      },
    },
    async (c) => {
      const [own, text] = await Promise.all([registry.metrics(), others()]);
      return c.body(own + missingIn(registry, text), 200, { 'Content-Type': registry.contentType });
    },
  );
}

/** Of metrics in text those that a registry lacks: what every process tells of itself, the other one tells elsewhere. */
function missingIn(registry: Registry, text: string): string {
  const missing = text.split(/\n(?=# HELP )/).filter((metric) => {
    const name = /^# HELP (\S+)/.exec(metric)?.[1];
    return name !== undefined && registry.getSingleMetric(name) === undefined;
  });
  return missing.map((metric) => `\n${metric.trim()}\n`).join('');
}

/** Measures how long requests take, of each route. */
export function measureRequests(metrics: ApiMetrics): Answered {
  return ({ req: { method } }, route, status, seconds) =>
    metrics.answered(METHODS.has(method) ? method : 'other', route, status, seconds);
}

/** A client may send any that Node knows. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'OPTIONS']);
