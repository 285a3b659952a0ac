import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { packageRoot } from '../../src/main/package-root.ts';
import { createEmptyDatabase } from './database.ts';
import { type Ended, runMigrate } from './migration-bench.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface ProjectBench {
  root: string;
  url: string;
  pool: pg.Pool;
  /** Writes drizzle/schema/schema.ts: the imports are there, the rest is `body`. */
  schema: (body: string) => Promise<void>;
  /** Runs `heddle migrate` in the project, within this process, which loads drizzle-kit only once. */
  migrate: (...args: string[]) => Promise<Ended>;
  /** The same as a process of its own, beside others. */
  migrateAlone: (...args: string[]) => Promise<Ended>;
  /** The same with another database, or as somebody else. */
  migrateAt: (url: string, ...args: string[]) => Promise<Ended>;
  /** The same, when it must succeed. @returns what it printed */
  migrated: (...args: string[]) => Promise<string>;
  /** Starts such a process, to be stopped or killed. */
  start: (...args: string[]) => ChildProcess;
  /** Runs `npx drizzle-kit` in the project. */
  kit: (...args: string[]) => Promise<Ended>;
  read: (path: string) => Promise<string>;
  write: (path: string, content: string) => Promise<void>;
  list: (path: string) => Promise<string[]>;
  /** The ids of the pairs, in order. */
  ids: () => Promise<string[]>;
  /** The scratch databases that this process and the bench's have made and that are there. */
  scratches: () => Promise<string[]>;
}

/**
 * A project folder of its own, as a checkout has it, with an empty schema and the real drizzle-kit, and an empty
 * database; both are gone after the test. Until then it is the working directory, as for somebody at work on it.
 */
export async function projectBench(t: TestContext): Promise<ProjectBench> {
  const database = await createEmptyDatabase();
  const { url } = database;
  const pool = database.pool();
  const root = await temporaryDirectory();
  const home = process.cwd();
  t.after(async () => {
    process.chdir(home);
    await database.drop();
    await rm(root, { recursive: true });
  });
  await Promise.all([
    mkdir(join(root, 'migrations')),
    mkdir(join(root, 'drizzle/schema'), { recursive: true }),
    cp(join(packageRoot, 'drizzle.config.ts'), join(root, 'drizzle.config.ts')),
    writeFile(join(root, 'package.json'), '{"type": "module"}'),
    symlink(join(packageRoot, 'node_modules'), join(root, 'node_modules')),
  ]);

  process.chdir(root);

  const pids = [`${process.pid}`];
  const start = (...args: string[]) => {
    const child = run([COMMAND, ...args, '--dir', 'migrations'], root, { DATABASE_URL: url });
    pids.push(`${child.pid}`);
    return child;
  };
  const migrateAt = (address: string, ...args: string[]) =>
    runMigrate(address, ...args, '--dir', 'migrations');
  const migrate = (...args: string[]) => migrateAt(url, ...args);
  const read = (path: string) => readFile(join(root, path), 'utf8');
  const write = (path: string, content: string) => writeFile(join(root, path), content);
  const list = async (path: string) => (await readdir(join(root, path))).sort();
  return {
    root,
    url,
    pool,
    schema: (body) => write('drizzle/schema/schema.ts', `${IMPORTS}\n${body}\n`),
    migrate,
    migrateAlone: (...args) => ended(start(...args)),
    migrateAt,
    migrated: async (...args) => {
      const { code, stdout, stderr } = await migrate(...args);
      if (code !== 0) throw new Error(`heddle migrate ${args.join(' ')} exited with ${code}: ${stderr}`);
      return stdout;
    },
    start,
    kit: (...args) => runNode([KIT, ...args], root, {}),
    read,
    write,
    list,
    ids: async () => (await list('migrations')).flatMap((name) => /^(.*)_UP\.sql$/.exec(name)?.[1] ?? []),
    scratches: async () => {
      const { rows } = await pool.query<{ name: string }>(SCRATCHES, [pids]);
      return rows.map(({ name }) => name);
    },
  };
}

/** Runs a program of Node and waits for its end. */
export function runNode(args: readonly string[], cwd: string, env: Record<string, string>): Promise<Ended> {
  return ended(run(args, cwd, env));
}

export async function ended(child: ChildProcess): Promise<Ended> {
  const [stdout, stderr] = await Promise.all([
    text(child.stdout as NodeJS.ReadableStream),
    text(child.stderr as NodeJS.ReadableStream),
    once(child, 'close'),
  ]);
  return { code: child.exitCode, stdout, stderr };
}

const COMMAND = fileURLToPath(new URL('./migrate-command.js', import.meta.url));
const KIT = join(packageRoot, 'node_modules/drizzle-kit/bin.cjs');

const IMPORTS = `
import { sql } from 'drizzle-orm';
import * as pg from 'drizzle-orm/pg-core';`;

const SCRATCHES = `
  select datname as name from pg_database
  where datname like 'heddle\\_scratch\\_%' and split_part(datname, '_', 4) = any ($1)`;

function run(args: readonly string[], cwd: string, env: Record<string, string>): ChildProcess {
  return spawn(process.execPath, ['--enable-source-maps', ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
