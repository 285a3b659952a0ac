import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { availableParallelism, constants } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startThrowawayServer } from './throwaway-server.ts';

/**
 * What `npm test [part of a path …]` runs: every test file, or those whose path contains one of the arguments, against
 * one PostgreSQL server, which is the one of HEDDLE_TEST_DATABASE_URL or a new one that goes afterwards.
 * @returns the exit code
 */
async function runTests(wanted: string[]): Promise<number> {
  const files = testFiles(wanted);
  if (files.length === 0) {
    console.error(`no test file has a path with ${wanted.join(' or ')} in it`);
    return 1;
  }
  const signals = catchSignals();
  if (process.env.HEDDLE_TEST_DATABASE_URL)
    return runFiles(files, process.env.HEDDLE_TEST_DATABASE_URL, signals);
  const server = await startThrowawayServer();
  try {
    return await runFiles(files, server.url, signals);
  } finally {
    await server.stop();
  }
}

const testFolder = dirname(dirname(fileURLToPath(import.meta.url)));

/** Found here: `node --test` of Node 20 takes no globs. */
function testFiles(wanted: string[]): string[] {
  return readdirSync(testFolder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.js'))
    .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
    .sort()
    .map((file) => relative(process.cwd(), join(testFolder, file)));
}

interface Signals {
  first: NodeJS.Signals | undefined;
  /** The process group they are passed on to. */
  group: number | undefined;
}

/** From the beginning, so that the server is stopped whenever they come. */
function catchSignals(): Signals {
  const signals: Signals = { first: undefined, group: undefined };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      signals.first ??= name;
      if (signals.group !== undefined) process.kill(-signals.group, name);
    });
  }
  return signals;
}

const OPTIONS = [
  '--enable-source-maps',
  '--test',
  '--test-reporter=spec',
  // A good part of them waits most of the time: for a lease to end, for a heartbeat, for a tick.
  `--test-concurrency=${availableParallelism() + 1}`,
  // Of each test, and also, which is Node's idea, of each file as a whole.
  '--test-timeout=300000',
  // Node 20 now and then never gets out of the clean-up of a process that has nothing left to do: it spins in
  // Environment::CleanupHandles, for a request that it has lost count of. A file that is done ends without it.
  '--test-force-exit',
];

async function runFiles(files: string[], url: string, signals: Signals): Promise<number> {
  if (signals.first !== undefined) return exitCode(null, signals.first);
  // In a process group of its own, so that a signal, from wherever, reaches runner and test files alike, and once.
  const tests = spawn(process.execPath, [...OPTIONS, ...files], {
    stdio: 'inherit',
    detached: true,
    env: { ...process.env, HEDDLE_TEST_DATABASE_URL: url },
  });
  signals.group = tests.pid;
  const [code, signal] = (await once(tests, 'exit')) as [number | null, NodeJS.Signals | null];
  signals.group = undefined;
  return exitCode(code, signal ?? signals.first ?? null);
}

function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  return signal === null ? (code ?? 1) : 128 + constants.signals[signal];
}

process.exitCode = await runTests(process.argv.slice(2));
