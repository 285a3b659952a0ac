import type pg from 'pg';
import type { Config } from '../config.ts';
import type { Queryable } from '../database/connect.ts';
import type { FinishWatch } from '../engine/finish-watch.ts';
import type { TaskTypeCatalogue } from '../engine/task-types.ts';
import type { TaskWatch } from '../engine/task-watch.ts';
import type { Observe } from '../observe/events.ts';

/** What the routes are made of. */
export interface ApiParts {
  config: Config;
  database: pg.Pool;
  catalogue: TaskTypeCatalogue;
  observe: Observe;
}

/** What the whole API is made of. */
export interface AppParts extends ApiParts {
  finishes: FinishWatch;
  watch: TaskWatch;
  pendingMigrations: PendingMigrations;
  /** Of the runner that was started with this API: told with its own. */
  runnerMetrics?: RunnerMetricsText | undefined;
  /** Default: it is running. */
  phase?: () => Phase;
}

/** What a runner tells of itself in Prometheus' text format; nothing while it does not answer. */
export type RunnerMetricsText = () => Promise<string>;

/** Of a process: only while it is running may anybody rely on it. */
export type Phase = 'starting' | 'running' | 'draining';

/** The ids of the migrations that the database still lacks. */
export type PendingMigrations = (database: Queryable) => Promise<string[]>;
