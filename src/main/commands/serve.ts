import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Registry } from 'prom-client';
import { sendSpans } from '../../workers/shared/tracing.ts';
import { type Api, startApi } from '../api.ts';
import { type Config, ConfigError } from '../config.ts';
import { endProcess } from '../end-process.ts';
import type { Phase } from '../http/parts.ts';
import { ListenError } from '../http/serving/server.ts';
import { pendingMigrations } from '../migrate/pending.ts';
import { type Observe, tellBoth } from '../observe/events.ts';
import { createLog, logEvents } from '../observe/log.ts';
import { RunnerMetrics } from '../observe/metrics/runner.ts';
import { Runner } from '../runner.ts';
import { type RunnerHttpOptions, startRunnerHttp } from '../runner-http.ts';
import type { RunnerMessage, RunnerQuestion } from '../runner-process.ts';
import { onStopSignals } from '../signals.ts';
import { keepHeapSmall } from '../small-heap.ts';
import { runStart } from '../start.ts';

/** `heddle start`: until a signal stops it. */
export async function startCommand(config: Config): Promise<number> {
  await runStart(config, logEvents(createLog(config.logLevel).logger), console.log);
  await sendSpans(LAST_SPANS_MS);
  return 0;
}

/**
 * `heddle api`: until a signal stops it, and then for DRAIN_SECONDS more, so that load balancers send nobody to it any
 * more when it is gone. A second signal ends that time.
 */
export async function apiCommand(config: Config): Promise<number> {
  keepHeapSmall();
  const databaseUrl = configuredDatabase(config, 'api');
  const observe = logEvents(createLog(config.logLevel).logger);
  const stop = new AbortController();
  const hurry = new AbortController();
  onStopSignals(() => (stop.signal.aborted ? hurry : stop).abort());
  const api = await startApi(config, { databaseUrl, observe, pendingMigrations, alone: true });
  if (!stop.signal.aborted) await once(stop.signal, 'abort');
  await drain(api, config.http.drainSeconds, hurry.signal, observe);
  const startedAt = performance.now();
  await api.stop();
  observe({ event: 'stopped', took_ms: performance.now() - startedAt });
  await sendSpans(LAST_SPANS_MS);
  return 0;
}

async function drain(api: Api, seconds: number, hurry: AbortSignal, observe: Observe): Promise<void> {
  if (seconds === 0) return;
  api.drain();
  observe({ event: 'api_draining', seconds });
  await sleep(seconds * 1000, undefined, { signal: hurry }).catch(() => {});
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
  let phase: Phase = 'starting';
  const metrics = new RunnerMetrics(() => runner?.sources ?? null);
  const observe = tellBoth(logEvents(log.logger), (event) => metrics.note(event));
  tellMetrics(metrics.registry);
  const stopped = new Promise<void>((resolve, reject) => {
    const stop = (reason: string) => {
      if (runner === null) process.exit(0); // Nothing runs yet; a migration is rolled back with its connection.
      phase = 'draining';
      exitWhenOverdue(config, runner);
      void runner.stop(reason).then(resolve, reject);
    };
    onStopSignals(stop);
    process.on('disconnect', () => stop('disconnect'));
  });
  // First of all: a supervisor must not take a runner for dead whose migrations take their time.
  const http = await serveIfPossible({
    config,
    databaseUrl,
    metrics: metrics.registry,
    phase: () => phase,
    observe,
  });
  try {
    runner = await Runner.prepare({ config, databaseUrl, log, observe });
    await runner.start();
    if (phase === 'starting') phase = 'running';
    const ready: RunnerMessage = { say: 'ready' };
    process.send?.(ready);
    await stopped;
  } finally {
    await http?.stop();
  }
}

/** Answers the process that has started this one, if it is one that asks. */
function tellMetrics(registry: Registry): void {
  process.on('message', ({ ask }: RunnerQuestion) => {
    if (ask === 'metrics') void registry.metrics().then(tell);
  });

  function tell(text: string): void {
    const answer: RunnerMessage = { say: 'metrics', text };
    process.send?.(answer, undefined, undefined, () => {}); // It may have gone meanwhile.
  }
}

/** @returns null when it cannot listen, but runs beside an API, whose health tells of it */
async function serveIfPossible(options: RunnerHttpOptions) {
  try {
    return await startRunnerHttp(options);
  } catch (error) {
    if (!process.connected || !(error instanceof ListenError)) throw error;
    options.observe({ event: 'runner_port_unavailable', reason: error.message });
    return null;
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
