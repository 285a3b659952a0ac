import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { runMigrateCommand } from '../../src/main/migrate/command.ts';
import { createEmptyDatabase } from './database.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface MigrationBench {
  url: string;
  directory: string;
  pool: pg.Pool;
  /** A connection of its own, which may be left in a transaction. */
  client: () => Promise<pg.Client>;
  /** Writes `ID_UP.sql` and `ID_DOWN.sql`. */
  pair: (id: string, up: string, down: string) => Promise<void>;
  file: (name: string, content: string | Uint8Array) => Promise<void>;
  remove: (name: string) => Promise<void>;
  /** Runs `heddle migrate` with these arguments on the bench's folder, within this process, which is much quicker. */
  migrate: (...args: string[]) => Promise<Ended>;
  /** The same as a process of its own, beside others. */
  migrateAlone: (...args: string[]) => Promise<Ended>;
  /** Starts such a process, to be killed. */
  start: (...args: string[]) => ChildProcess;
  /** The values of the first column of a query. */
  values: (query: string) => Promise<unknown[]>;
}

/** An empty database and an empty folder for migrations, both gone after the test. */
export async function migrationBench(t: TestContext): Promise<MigrationBench> {
  const database = await createEmptyDatabase();
  const { url } = database;
  const pool = database.pool();
  const directory = await temporaryDirectory();
  const clients: pg.Client[] = [];
  t.after(async () => {
    await Promise.all(clients.map((client) => client.end()));
    // Ends the processes that a failed test left behind as well.
    await database.drop();
    await rm(directory, { recursive: true });
  });
  const file = (name: string, content: string | Uint8Array) => writeFile(join(directory, name), content);
  return {
    url,
    directory,
    pool,
    client: async () => {
      const client = new pg.Client({ connectionString: url });
      clients.push(client);
      await client.connect();
      return client;
    },
    file,
    pair: async (id, up, down) => {
      await file(`${id}_UP.sql`, up);
      await file(`${id}_DOWN.sql`, down);
    },
    remove: (name) => rm(join(directory, name)),
    migrate: (...args) => runMigrate(url, ...args, '--dir', directory),
    migrateAlone: (...args) => runMigrateAlone(url, ...args, '--dir', directory),
    start: (...args) => startMigrate(url, ...args, '--dir', directory),
    values: async (query) => {
      const { rows } = await pool.query({ text: query, rowMode: 'array' });
      return rows.map((row: unknown[]) => row[0]);
    },
  };
}

/** Runs `heddle migrate` within this process. */
export async function runMigrate(url: string, ...args: string[]): Promise<Ended> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const output = {
    print: (text: string) => void stdout.push(`${text}\n`),
    complain: (text: string) => void stderr.push(`${text}\n`),
  };
  const code = await runMigrateCommand(args, (work) => work(url), output);
  return { code, stdout: stdout.join(''), stderr: stderr.join('') };
}

/** Runs `heddle migrate` in a process of its own. */
export async function runMigrateAlone(url: string, ...args: string[]): Promise<Ended> {
  const child = startMigrate(url, ...args);
  const [stdout, stderr] = await Promise.all([
    output(child.stdout),
    output(child.stderr),
    once(child, 'close'),
  ]);
  return { code: child.exitCode, stdout, stderr };
}

/** Waits until a condition holds, for 15 seconds at most. */
export async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`did not come true: ${what}`);
    await sleep(20);
  }
}

const COMMAND = fileURLToPath(new URL('./migrate-command.js', import.meta.url));

function startMigrate(url: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, [COMMAND, ...args], {
    env: { ...process.env, DATABASE_URL: url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function output(stream: ChildProcess['stdout']): Promise<string> {
  if (stream === null) throw new Error('the output of the process is not piped');
  return text(stream);
}
