import type pg from 'pg';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** Metrics of this process itself, and of its connections to the database. @param pool null while there is none */
export function createRegistry(pool: () => pg.Pool | null): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LAG_PRECISION_MS });
  new Gauge({
    name: 'heddle_database_pool',
    help: 'Connections of the pool that are busy or idle, and statements that wait for one.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const { totalCount = 0, idleCount = 0, waitingCount = 0 } = pool() ?? {};
      this.set({ state: 'busy' }, totalCount - idleCount);
      this.set({ state: 'idle' }, idleCount);
      this.set({ state: 'waiting' }, waitingCount);
    },
  });
  return registry;
}

/** A timer goes off that often. With the default of 10 ms it costs an idle runner as much as all the rest. */
const LAG_PRECISION_MS = 50;

/** The label of types that nobody here knows: labels are not to be as many as somebody likes. */
export const OTHER = 'other';
