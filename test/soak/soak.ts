import { rmSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, type Queryable } from '../../src/main/database/connect.ts';
import { migrateUp } from '../../src/main/migrate/apply.ts';
import { atExit } from '../support/at-exit.ts';
import { OwnServer } from '../support/own-server.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { waitFor } from '../support/wait-for.ts';
import { collectRows, countUnfinished, isBeatUpToDate, pauseBeat, prepareEvidence } from './evidence.ts';
import { type Injected, injectFaults } from './faults.ts';
import { type Evidence, findViolations, type Violation } from './invariants.ts';
import { BEAT, Load } from './load.ts';
import { readLogs } from './logs.ts';
import { patient } from './patience.ts';
import { seeded } from './random.ts';
import { report, tally } from './report.ts';
import { RunnerUnderFire } from './runner-under-fire.ts';
import { type FaultKind, scheduleFaults } from './schedule.ts';

export interface SoakOptions {
  minutes: number;
  /** Repeats the schedule of faults, and the order of the tasks. */
  seed: number;
  runners: number;
  mode: 'singleton' | 'shared';
  leaseSeconds: number;
  kinds: readonly FaultKind[];
  /** Told how it goes. */
  say(line: string): void;
}

export interface SoakResult {
  violations: Violation[];
  /** What to print of it. */
  report: string;
  /** The runners' logs and all evidence, kept when there are violations. */
  folder: string | null;
}

/**
 * Lets real runner processes work under load on a real PostgreSQL while faults hit them, and checks afterwards what
 * was promised.
 */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const folder = await temporaryDirectory();
  let keep = false;
  atExit(() => !keep && rmSync(folder, { recursive: true, force: true }));
  const server = await OwnServer.start();
  try {
    const evidence = await gatherEvidence(options, server, folder);
    const violations = findViolations(evidence);
    keep = violations.length > 0;
    if (keep) await writeFile(join(folder, 'evidence.json'), JSON.stringify(evidence));
    return {
      violations,
      report: report(evidence, violations, options.seed),
      folder: keep ? folder : null,
    };
  } catch (error) {
    keep = true;
    options.say(`it could not go on; the logs are in ${folder}`);
    throw error;
  } finally {
    await server.remove();
    if (!keep) await rm(folder, { recursive: true, force: true });
  }
}

async function gatherEvidence(options: SoakOptions, server: OwnServer, folder: string): Promise<Evidence> {
  const pool = connect(server.url, 'soak', () => {});
  const database = patient(pool);
  const logFolder = join(folder, 'logs');
  const faults: Injected[] = [];
  const load = new Load(pool, seeded(options.seed + 1));
  let runners: RunnerUnderFire[] = [];
  let progress: NodeJS.Timeout | undefined;
  try {
    await mkdir(logFolder);
    await migrateUp({ url: server.url, observe: () => {} });
    await prepareEvidence(database);
    runners = await startRunners(options, server, logFolder);
    progress = sayProgress(options, { database: pool, load, faults, runners });
    await waitFor('a runner to lead', () => isLed(database), 30_000);
    load.start();
    const planned = scheduleFaults({ ...options, forMs: options.minutes * 60_000 });
    await injectFaults(planned, { server, runners, database }, (injected) => faults.push(injected));
    await load.stop();
    await settle(database, options.say);
    await Promise.all(runners.map((runner) => runner.stop()));
    const rows = await collectRows(database);
    const exits = runners.flatMap((runner) => runner.exits);
    faults.sort((a, b) => a.at - b.at);
    return { ...rows, accepted: load.accepted, faults, exits, logs: await readLogs(logFolder) };
  } finally {
    clearInterval(progress);
    await load.stop();
    await Promise.all(runners.map((runner) => runner.stop()));
    await pool.end();
  }
}

async function startRunners(
  { runners, mode, leaseSeconds }: SoakOptions,
  server: OwnServer,
  logFolder: string,
): Promise<RunnerUnderFire[]> {
  const started: RunnerUnderFire[] = [];
  for (let index = 0; index < runners; index++) {
    const proxy = await TcpProxy.start(server.port);
    const env = {
      ...ENVIRONMENT,
      DATABASE_URL: proxy.url(server.url),
      RUNNER_MODE: mode,
      LEASE_SECONDS: String(leaseSeconds),
    };
    const runner = new RunnerUnderFire(index, proxy, env, logFolder);
    runner.start();
    started.push(runner);
  }
  return started;
}

const ENVIRONMENT = {
  RUNNER_PORT: '0',
  THREADS: '3',
  STOP_GRACE_SECONDS: '2',
  TASKS_DIR: fileURLToPath(new URL('../fixtures/soak', import.meta.url)),
  LOG_LEVEL: 'debug',
  // Of a soak of hours no beat may be pruned: none would be missed.
  RETENTION_TICKS: '1000000',
};

async function isLed(database: Queryable): Promise<boolean> {
  const { rowCount } = await database.query(
    'select from periodic_tasks where name = $1 and next_run_at is not null',
    [BEAT.type],
  );
  return rowCount === 1;
}

/** Gives everything the time to end. What has not by then is found by the checks. */
async function settle(database: Queryable, say: SoakOptions['say']): Promise<void> {
  try {
    await waitFor('the beat to be up to date', () => isBeatUpToDate(database), SETTLES_WITHIN_MS);
    await pauseBeat(database);
    await waitFor(
      'all tasks to end',
      async () => Object.keys(await countUnfinished(database)).length === 0,
      SETTLES_WITHIN_MS,
    );
  } catch (error) {
    say((error as Error).message);
  }
}

const SETTLES_WITHIN_MS = 60_000;

interface Progress {
  /** One that does not wait. */
  database: Queryable;
  load: Load;
  faults: readonly Injected[];
  runners: readonly RunnerUnderFire[];
}

function sayProgress({ say }: SoakOptions, progress: Progress): NodeJS.Timeout {
  const startedAt = performance.now();
  return setInterval(() => {
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    void describeProgress(progress).then((line) => say(`${seconds} s | ${line}`));
  }, PROGRESS_EVERY_MS);
}

async function describeProgress({ database, load, faults, runners }: Progress): Promise<string> {
  const unfinished = await countUnfinished(database).catch(() => ({ 'database away': 1 }));
  const left = Object.entries(unfinished).map(([status, count]) => `${status} ${count}`);
  return [
    `accepted ${load.accepted.length}`,
    left.join(', ') || 'none left',
    `${runners.filter((runner) => runner.isUp).length} runners up`,
    `faults: ${tally(faults, ({ kind }) => kind)}`,
  ].join(' | ');
}

const PROGRESS_EVERY_MS = 10_000;
