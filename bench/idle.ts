import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../src/main/package-root.ts';
import { createTestDatabase } from '../test/support/database.ts';
import type { BenchOptions, Row } from './support/bench.ts';
import { cpuSeconds, TELLS_CPU } from './support/process-cpu.ts';
import { TASKS, THREADS } from './support/task-types.ts';

/** What a runner costs that has nothing to do. */
export async function idle({ quick, say }: BenchOptions): Promise<Row[]> {
  if (!TELLS_CPU) return rows(null, 'not measured: needs /proc');
  const database = await createTestDatabase();
  const runner = await startRunner(database.url);
  const exited = once(runner, 'exit');
  try {
    await sleep(quick ? 3000 : SETTLE_MS);
    const seconds = quick ? 5 : 15;
    const before = cpuSeconds(runner.pid);
    await sleep(seconds * 1000);
    const core = ((cpuSeconds(runner.pid) - before) / seconds) * 100;
    const megabytes = residentMegabytes(runner.pid);
    say(`${core.toFixed(2)} % of a core over ${seconds} s, ${megabytes.toFixed(0)} MB`);
    return rows({ core, megabytes });
  } finally {
    runner.kill('SIGTERM');
    await exited;
    await database.drop();
  }
}

/** After its start V8 compiles and tidies up in the background for a while: that is not idling. */
const SETTLE_MS = 30_000;
const CORE_PERCENT = 1;
const MEGABYTES = 160;

/** The real one, ready. */
async function startRunner(databaseUrl: string): Promise<ChildProcess> {
  const runner = spawn(
    process.execPath,
    ['--enable-source-maps', join(packageRoot, 'dist/src/main/cli.js'), 'runner'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        DATABASE_URL: databaseUrl,
        THREADS: String(THREADS),
        TASKS_DIR: TASKS,
        RUNNER_PORT: '0',
        LOG_LEVEL: 'info',
      },
    },
  );
  const lines = createInterface({ input: runner.stdout });
  for await (const line of lines) {
    if (!line.includes('"runner_started"')) continue;
    runner.stdout.resume();
    return runner;
  }
  throw new Error('the runner did not start');
}

function rows(measured: { core: number; megabytes: number } | null, reason = ''): Row[] {
  const what = `idle runner, ${THREADS} threads`;
  return [
    {
      what: `${what}: CPU`,
      target: `< ${CORE_PERCENT} % of a core`,
      measured: measured === null ? reason : `${measured.core.toFixed(2)} %`,
      met: measured && measured.core < CORE_PERCENT,
    },
    {
      what: `${what}: memory`,
      target: `< ${MEGABYTES} MB resident`,
      measured: measured === null ? reason : `${measured.megabytes.toFixed(0)} MB`,
      met: measured && measured.megabytes < MEGABYTES,
    },
  ];
}

function residentMegabytes(pid: number | undefined): number {
  return Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
