import { sendSpans } from '../../workers/shared/tracing.ts';
import { startApi } from '../api.ts';
import { type Config, ConfigError } from '../config.ts';
import { endProcess } from '../end-process.ts';
import { ListenError } from '../http/serving/server.ts';
import { pendingMigrations } from '../migrate/pending.ts';
import { tellBoth } from '../observe/events.ts';
import { createLog, logEvents } from '../observe/log.ts';
import { RunnerMetrics } from '../observe/metrics/runner.ts';
import { Runner } from '../runner.ts';
import { type RunnerHttpOptions, startRunnerHttp } from '../runner-http.ts';
import type { RunnerMessage } from '../runner-process.ts';
import { onStopSignals } from '../signals.ts';
import { runStart } from '../start.ts';

/** `heddle start`: until a signal stops it. */
export async function startCommand(config: Config): Promise<number> {
  await runStart(config, logEvents(createLog(config.logLevel).logger), console.log);
  await sendSpans(LAST_SPANS_MS);
  return 0;
}

/** `heddle api`: until a signal stops it. */
export async function apiCommand(config: Config): Promise<number> {
  const databaseUrl = configuredDatabase(config, 'api');
  const observe = logEvents(createLog(config.logLevel).logger);
  const signalled = new Promise<void>((resolve) => onStopSignals(() => resolve()));
  const api = await startApi(config, { databaseUrl, observe, pendingMigrations });
  await signalled;
  await api.stop();
  await sendSpans(LAST_SPANS_MS);
  return 0;
}

/** `heddle runner`: until a signal stops it, or until the process that started it is gone. */
export async function runnerCommand(config: Config): Promise<number> {
  try {
    await serveRunner(config, configuredDatabase(config, 'runner'));
    await sendSpans(LAST_SPANS_MS);
    return 0;
  } finally {
    // The channel to the process that started us would keep this one alive. Our own leaving is no reason to stop.
    process.removeAllListeners('disconnect');
    if (process.connected) process.disconnect();
  }
}

async function serveRunner(config: Config, databaseUrl: string): Promise<void> {
  const log = createLog(config.logLevel);
  let runner: Runner | null = null;
  const metrics = new RunnerMetrics(() => runner?.sources ?? null);
  const observe = tellBoth(logEvents(log.logger), (event) => metrics.note(event));
  const stopped = new Promise<void>((resolve, reject) => {
    const stop = (reason: string) => {
      if (runner === null) process.exit(0); // Nothing runs yet; a migration is rolled back with its connection.
      exitWhenOverdue(config, runner);
      void runner.stop(reason).then(resolve, reject);
    };
    onStopSignals(stop);
    process.on('disconnect', () => stop('disconnect'));
  });
  runner = await Runner.prepare({ config, databaseUrl, log, observe });
  await runner.start();
  const http = await serveOrStop({ config, databaseUrl, metrics: metrics.registry, observe }, runner);
  const ready: RunnerMessage = { say: 'ready' };
  process.send?.(ready);
  await stopped;
  await http?.stop();
}

/** @returns null when it cannot listen, but runs beside an API, whose health tells of it */
async function serveOrStop(options: RunnerHttpOptions, runner: Runner) {
  try {
    return await startRunnerHttp(options);
  } catch (error) {
    if (process.connected && error instanceof ListenError) {
      options.observe({ event: 'runner_port_unavailable', reason: error.message });
      return null;
    }
    await runner.stop('health'); // A process that reports a failed start must not go on claiming.
    throw error;
  }
}

/** A stop that cannot end, because the database is away or a thread does not die, is not waited for: see README. */
function exitWhenOverdue(config: Config, runner: Runner): void {
  const overdueMs = config.runner.stopGraceSeconds * 1000 + OVERDUE_MS;
  setTimeout(() => {
    console.error(
      `heddle: the stop took longer than ${overdueMs / 1000} s; what is not settled will be rescued`,
    );
    endProcess(1, runner.threadsRun);
  }, overdueMs).unref();
}

const OVERDUE_MS = 5000;

/** Of OpenTelemetry's SDK, if there is one. */
const LAST_SPANS_MS = 1000;

function configuredDatabase(config: Config, command: string): string {
  if (config.database.url !== undefined) return config.database.url;
  throw new ConfigError([
    `DATABASE_URL: heddle ${command} needs a database; set DATABASE_URL (or PG_DSN, or POSTGRES_HOST …), or use heddle start, which brings its own`,
  ]);
}
