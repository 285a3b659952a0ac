import { type Api, startApi } from './api.ts';
import type { Config } from './config.ts';
import { type EmbeddedServer, startEmbedded } from './database/embedded/start.ts';
import { pendingMigrations } from './migrate/pending.ts';
import type { Observe } from './observe/events.ts';
import { RunnerProcess } from './runner-process.ts';
import { onStopSignals } from './signals.ts';

/**
 * API and runner together, with an embedded database when none is configured. Returns when it was told to stop and
 * everything has ended.
 * @param print shows a text to the person at the terminal
 * @throws EmbeddedDatabaseError, ListenError, RunnerFailed
 */
export async function runStart(
  config: Config,
  observe: Observe,
  print: (text: string) => void,
): Promise<void> {
  const startedAt = performance.now();
  const { dataDir } = config.database;
  const embedded = config.database.url === undefined ? await startEmbedded({ dataDir, observe }) : null;
  const databaseUrl = config.database.url ?? (embedded as EmbeddedServer).url;
  const runner = new RunnerProcess(databaseUrl, observe);
  const stopped = stopSignal(runner);
  let api: Api | null = null;
  try {
    const runnerMetrics = () => runner.metrics();
    api = await startApi(config, { databaseUrl, observe, pendingMigrations, runnerMetrics });
    await Promise.race([runner.start(), stopped]);
    if (!runner.stopping) print(welcome(api.url, performance.now() - startedAt));
    await stopped;
  } finally {
    await runner.stop();
    await api?.stop();
    await embedded?.stop();
  }
}

/** Resolves at the first signal. A later one hurries the runner on, which is what takes time. */
function stopSignal(runner: RunnerProcess): Promise<void> {
  return new Promise((resolve) => {
    onStopSignals(() => {
      void runner.stop();
      resolve();
    });
  });
}

function welcome(url: string, tookMs: number): string {
  return `
Heddle is ready on ${url} (after ${(tookMs / 1000).toFixed(1)} s). Try it:

  curl -s ${url}/api/v1/tasks -H 'Content-Type: application/json' -H 'Prefer: wait=10' \\
    -d '{"type": "example-database-task", "params": {"message": "hello", "count": 3}}'

Ctrl-C stops it.
`;
}
