import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createEmptyDatabase } from '../test/support/database.ts';
import { runMigrateAlone } from '../test/support/migration-bench.ts';
import { temporaryDirectory } from '../test/support/temporary-directory.ts';
import { generateOnce } from './migrate-generate.ts';
import type { Peak } from './migrate-peak.ts';
import type { BenchOptions, Row } from './support/bench.ts';
import { measureInChild } from './support/child.ts';
import { writeLargePair, writeSmallPairs } from './support/migrations.ts';
import { median, medianRatio, spread } from './support/statistics.ts';

/** The migration commands on many small files and on a large one, each as a process from its start to its end. */
export async function migrate({ quick, say }: BenchOptions): Promise<Row[]> {
  const rounds = quick ? 1 : 5;
  return [
    await manySmall(rounds, say),
    await status(rounds, say),
    await large(say),
    await generated(quick ? 1 : 3, say),
  ];
}

const SMALL = 500;
const TIMES_PSQL = 3;

/** psql runs the same files in one session, each in a transaction of its own. */
async function manySmall(rounds: number, say: (line: string) => void): Promise<Row> {
  return inDirectory(async (directory) => {
    const ids = await writeSmallPairs(directory, SMALL);
    const script = join(directory, '.all.sql');
    await writeFile(script, ids.map((id) => `begin;\n\\i ${directory}/${id}_UP.sql\ncommit;\n`).join(''));
    const heddle: number[] = [];
    const psql: number[] = [];
    for (let round = 0; round < rounds; round++) {
      heddle.push((await onEmptyDatabase((url) => timed(() => run(url, directory, '--up')))) ?? Number.NaN);
      const took = await onEmptyDatabase((url) => timed(() => runPsql(url, script)));
      if (took !== null) psql.push(took);
      say(`heddle ${heddle.at(-1)?.toFixed(0)} ms, psql ${took?.toFixed(0) ?? 'is not installed'}`);
    }
    const what = `--up of ${SMALL} small migrations`;
    const target = `≤ ${TIMES_PSQL} × psql`;
    const measured = `${spread(heddle)} ms`;
    if (psql.length === 0)
      return { what, target, measured: `${measured}; not measured: psql is not installed`, met: null };
    const ratio = medianRatio(heddle, psql);
    return {
      what,
      target,
      measured: `${ratio.toFixed(2)} ×: ${spread(heddle)} to ${spread(psql)} ms`,
      met: ratio <= TIMES_PSQL,
    };
  });
}

const MANY = 2000;
const STATUS_MS = 1000;

async function status(rounds: number, say: (line: string) => void): Promise<Row> {
  return inDirectory(async (directory) => {
    const ids = await writeSmallPairs(directory, MANY);
    const times = await onEmptyDatabase(async (url) => {
      await run(url, directory, '--up');
      const took: number[] = [];
      for (let round = 0; round < rounds; round++)
        took.push((await timed(() => run(url, directory, '--status'))) ?? Number.NaN);
      return took;
    });
    say(`${ids.length} migrations: ${spread(times)} ms`);
    return {
      what: `--status with ${MANY.toLocaleString('en')} migrations`,
      target: `< ${STATUS_MS} ms`,
      measured: `${spread(times)} ms`,
      met: median(times) < STATUS_MS,
    };
  });
}

const MEGABYTES = 20;
const PEAK_MB = 300;

async function large(say: (line: string) => void): Promise<Row> {
  return inDirectory(async (directory) => {
    const statements = await writeLargePair(directory, MEGABYTES);
    const { ms, megabytes } = await onEmptyDatabase((url) =>
      measureInChild<Peak>(new URL('./migrate-peak.js', import.meta.url), [url, directory]),
    );
    say(`${statements.toLocaleString('en')} statements in ${(ms / 1000).toFixed(1)} s`);
    return {
      what: `a migration of ${MEGABYTES} MB: peak memory of the process`,
      target: `< ${PEAK_MB} MB`,
      measured: `${megabytes.toFixed(0)} MB`,
      met: megabytes < PEAK_MB,
    };
  });
}

async function run(url: string, directory: string, action: string): Promise<true> {
  const { code, stderr } = await runMigrateAlone(url, action, '--dir', directory);
  if (code !== 0) throw new Error(`heddle migrate ${action} ended with ${code}: ${stderr}`);
  return true;
}

/** @returns false when it is not installed */
async function runPsql(url: string, script: string): Promise<boolean> {
  const psql = spawn('psql', ['-q', '-X', '-v', 'ON_ERROR_STOP=1', '-f', script, url], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  try {
    const [code] = await once(psql, 'exit');
    if (code !== 0) throw new Error(`psql ended with ${code}`);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** In milliseconds, or null when it could not be done. */
async function timed(work: () => Promise<boolean>): Promise<number | null> {
  const startedAt = performance.now();
  return (await work()) ? performance.now() - startedAt : null;
}

async function onEmptyDatabase<T>(work: (url: string) => Promise<T>): Promise<T> {
  const database = await createEmptyDatabase();
  try {
    return await work(database.url);
  } finally {
    await database.drop();
  }
}

const GENERATE_MS = 15_000;

async function generated(rounds: number, say: (line: string) => void): Promise<Row> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push(await generateOnce());
  say(`a table more: ${spread(times)} ms`);
  return {
    what: '--generate of a table more, with its proof',
    target: `< ${GENERATE_MS} ms`,
    measured: `${spread(times)} ms`,
    met: median(times) < GENERATE_MS,
  };
}

async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await temporaryDirectory();
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}
