import type { Config } from './config.ts';
import { connect, disconnect } from './database/connect.ts';
import { createBase } from './http/base.ts';
import { healthRoutes } from './http/health.ts';
import { Operations } from './http/operations.ts';
import { listen } from './http/server.ts';
import { pendingMigrations } from './migrate/pending.ts';
import type { Observe } from './observe/events.ts';

/** Serves a runner's own `/health` on RUNNER_PORT. @throws ListenError */
export async function startRunnerHealth(
  config: Config,
  databaseUrl: string,
  observe: Observe,
): Promise<{ stop(): Promise<void> }> {
  const database = connect(databaseUrl, 'heddle runner health', observe, 1);
  const app = createBase(observe);
  healthRoutes(new Operations(app, config.http), { database, pendingMigrations });
  try {
    const { host, maxConnections } = config.http;
    const { port } = config.runner;
    // Health is no secret: it may be asked from wherever the runner can be reached.
    const { close } = await listen(app, { host, port, maxConnections, onlyLoopback: false, observe });
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
