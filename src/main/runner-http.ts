import { Hono } from 'hono';
import type { Registry } from 'prom-client';
import type { Config } from './config.ts';
import { connect, disconnect } from './database/connect.ts';
import { guard } from './http/access/guard.ts';
import { answerWithoutRoute } from './http/answers/no-route.ts';
import { Operations } from './http/contract/operations.ts';
import { Entrance } from './http/entrance.ts';
import type { Phase } from './http/parts.ts';
import { healthRoutes } from './http/routes/health.ts';
import { metricsRoute } from './http/routes/metrics.ts';
import { listen } from './http/serving/server.ts';
import { pendingMigrations } from './migrate/pending.ts';
import type { Observe } from './observe/events.ts';

export interface RunnerHttpOptions {
  config: Config;
  databaseUrl: string;
  metrics: Registry;
  phase: () => Phase;
  observe: Observe;
}

/** Serves a runner's own `/health` and `/metrics` on RUNNER_PORT. @throws ListenError */
export async function startRunnerHttp(options: RunnerHttpOptions): Promise<{ stop(): Promise<void> }> {
  const { config, databaseUrl, metrics, phase, observe } = options;
  const database = connect(databaseUrl, 'heddle runner health', observe, { max: 1 });
  const app = new Hono();
  const open = new Entrance({ observe });
  const guarded = new Entrance({ observe, guard: guard(config.http, observe) });
  // Health is no secret: it may be asked from wherever the runner can be reached.
  healthRoutes(new Operations(app, open, config.http), { config, database, pendingMigrations, phase });
  metricsRoute(new Operations(app, guarded, config.http), metrics);
  answerWithoutRoute(app, guarded);
  try {
    const { host, maxConnections } = config.http;
    const { port } = config.runner;
    // Whoever may not ask for more than its health is told so by the guard.
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
