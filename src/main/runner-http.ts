import type { Registry } from 'prom-client';
import type { Config } from './config.ts';
import { connect, disconnect } from './database/connect.ts';
import { guard } from './http/access/guard.ts';
import { createBase } from './http/base.ts';
import { Operations } from './http/contract/operations.ts';
import { healthRoutes } from './http/routes/health.ts';
import { metricsRoute } from './http/routes/metrics.ts';
import { listen } from './http/serving/server.ts';
import { pendingMigrations } from './migrate/pending.ts';
import type { Observe } from './observe/events.ts';

export interface RunnerHttpOptions {
  config: Config;
  databaseUrl: string;
  metrics: Registry;
  observe: Observe;
}

/** Serves a runner's own `/health` and `/metrics` on RUNNER_PORT. @throws ListenError */
export async function startRunnerHttp(options: RunnerHttpOptions): Promise<{ stop(): Promise<void> }> {
  const { config, databaseUrl, metrics, observe } = options;
  const database = connect(databaseUrl, 'heddle runner health', observe, 1);
  const app = createBase(observe);
  const api = new Operations(app, config.http);
  healthRoutes(api, { config, database, pendingMigrations });
  guard(app, config.http, observe); // Of what comes after: health may be asked for by everybody.
  metricsRoute(api, metrics);
  try {
    const { host, maxConnections } = config.http;
    const { port } = config.runner;
    // Health is no secret: it may be asked from wherever the runner can be reached.
    const { url, close } = await listen(app, { host, port, maxConnections, onlyLoopback: false, observe });
    observe({ event: 'runner_listening', url });
    return {
      async stop() {
        await close();
        await disconnect(database);
      },
    };
  } catch (error) {
    await disconnect(database);
    throw error;
  }
}
