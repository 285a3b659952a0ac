import { tellReadiness } from './api-readiness.ts';
import { isWeak } from './api-tokens.ts';
import type { Config } from './config.ts';
import { connect, disconnect } from './database/connect.ts';
import { FinishWatch } from './engine/finish-watch.ts';
import { TaskTypeCatalogue } from './engine/task-types.ts';
import { TaskWatch } from './engine/task-watch.ts';
import { createApp } from './http/app.ts';
import type { PendingMigrations, Phase, RunnerMetricsText } from './http/parts.ts';
import { listen } from './http/serving/server.ts';
import type { Observe } from './observe/events.ts';

/** What the API needs from whoever starts it. */
export interface ApiOptions {
  databaseUrl: string;
  observe: Observe;
  pendingMigrations: PendingMigrations;
  /** Of the runner that was started with it: told with its own. */
  runnerMetrics?: RunnerMetricsText;
  /** Whether the runner is elsewhere, so that it is worth telling what the API waits for. */
  alone?: boolean;
}

export interface Api {
  /** Where it listens. */
  url: string;
  /** Goes on answering, but lets load balancers know that it will stop: `/health` is 503, and connections are closed. */
  drain(): void;
  /** Takes no more connections, answers who waits, ends streams, lets running requests finish for up to ten seconds. */
  stop(): Promise<void>;
}

/**
 * Starts the HTTP API. The database need not be there yet: until then it answers 503.
 * @throws ListenError when it cannot listen on the configured address
 */
export async function startApi(config: Config, options: ApiOptions): Promise<Api> {
  const { databaseUrl, observe, pendingMigrations, runnerMetrics } = options;
  const database = connect(databaseUrl, 'heddle api', observe);
  const catalogue = new TaskTypeCatalogue(database);
  const finishes = new FinishWatch(database, observe);
  const watch = new TaskWatch(database, observe);
  const ended = new AbortController();
  let phase: Phase = 'running';
  const app = createApp({
    config,
    database,
    catalogue,
    observe,
    finishes,
    watch,
    pendingMigrations,
    runnerMetrics,
    phase: () => phase,
  });
  try {
    const { host, port, maxConnections, protection, tokens } = config.http;
    const onlyLoopback = protection === 'loopback';
    const { url, drain, close } = await listen(app, { host, port, maxConnections, onlyLoopback, observe });
    for (const { name } of tokens.filter(isWeak)) observe({ event: 'weak_token', name });
    observe({ event: 'api_listening', url });
    if (options.alone) void tellReadiness(database, pendingMigrations, observe, ended.signal);
    return {
      url,
      drain() {
        phase = 'draining';
        drain();
      },
      async stop() {
        ended.abort();
        finishes.stop();
        watch.stop();
        await close();
        await disconnect(database);
      },
    };
  } catch (error) {
    await disconnect(database);
    throw error;
  }
}
