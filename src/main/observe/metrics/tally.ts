import { Counter, type Metric, type Registry } from 'prom-client';
import type { LogHistogram } from '../log-histogram.ts';

/*
 * What is counted for each attempt is counted in plain numbers, and given to prom-client when somebody asks: its own
 * `inc` and `observe` take a microsecond each.
 */

/** Labels, and the count under them. */
export type Counts = Iterable<readonly [labels: Record<string, string>, count: number]>;

/** A counter whose values come from elsewhere. */
export function addCounter(
  registry: Registry,
  counter: { name: string; help: string; labelNames?: readonly string[] },
  read: () => Counts,
): void {
  new Counter({
    labelNames: [],
    ...counter,
    registers: [registry],
    collect() {
      this.reset();
      for (const [labels, count] of read()) this.inc(labels, count);
    },
  });
}

/** A histogram in seconds whose buckets are powers of two in milliseconds, from 1 ms to 17.5 minutes; by type. */
export function addHistogram(
  registry: Registry,
  histogram: { name: string; help: string },
  read: () => Iterable<readonly [type: string, durations: LogHistogram]>,
): void {
  const described = { ...histogram, type: 'histogram' };
  const metric = {
    ...described,
    get: async () => ({
      ...described,
      values: [...read()].flatMap(([type, durations]) => linesOf(histogram.name, type, durations)),
    }),
  };
  // A registry asks for no more of a metric than this.
  registry.registerMetric(metric as unknown as Metric);
}

const LEAST_POWER = 0;
const MOST_POWER = 20;

function linesOf(name: string, type: string, durations: LogHistogram) {
  const buckets = durations.below(LEAST_POWER, MOST_POWER).map((count, index) => ({
    metricName: `${name}_bucket`,
    labels: { type, le: 2 ** (LEAST_POWER + index) / 1000 },
    value: count,
  }));
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { type, le: '+Inf' }, value: durations.total },
    { metricName: `${name}_sum`, labels: { type }, value: durations.sumMs / 1000 },
    { metricName: `${name}_count`, labels: { type }, value: durations.total },
  ];
}
