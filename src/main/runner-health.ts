import { Hono } from 'hono';
import type { Config } from './config.ts';
import { connect, disconnect } from './database/connect.ts';
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
  const app = new Hono();
  healthRoutes(new Operations(app, config.http), { database, pendingMigrations });
  try {
    const { close } = await listen(app, config.http.host, config.runner.port);
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
