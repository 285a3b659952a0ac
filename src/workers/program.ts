import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, statSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

/*
 * What a task imports to run other programs (`heddle/program`). A thread that is killed runs no code any more, and a
 * runner that is killed neither. What the kernel does in both cases is to close their ends of pipes. So beside each
 * program waits a tiny process for the end of such a pipe, which then kills the program and whatever that has started.
 */

export interface ProgramOptions {
  /** Ends the program. Pass the task's own. */
  signal: AbortSignal;
  /** The age at which the program is killed. */
  timeoutSeconds: number;
  /** What it gets on its standard input. @default nothing */
  input?: AsyncIterable<Uint8Array>;
  /** The most it may write to its standard output before it is killed. @default 32 MiB */
  maxOutputBytes?: number;
  /** Its environment beside PATH: of this process's, which has secrets, it gets nothing. @default nothing */
  env?: Record<string, string>;
}

export interface ProgramEnd {
  /** 128 and the signal's number for one that a signal has ended. */
  code: number;
  output: Buffer;
  /** What it wrote to its standard error, the first 64 KiB. */
  complaints: string;
}

/** The program took longer than it may. */
export class ProgramTimeout extends Error {
  override name = 'ProgramTimeout';
}

/** The program wrote more than it may. */
export class ProgramOutputExceeded extends Error {
  override name = 'ProgramOutputExceeded';
}

/**
 * Runs a program and waits for its end. No shell reads the arguments. It dies with the attempt, and with it all that it
 * has started: when the signal is aborted, when its thread is killed, and when the runner is.
 * @param name is looked for in PATH
 * @returns nothing when the machine has no such program
 * @throws ProgramTimeout, ProgramOutputExceeded, the signal's reason, or what reading the input throws: always after its
 * end
 */
export async function runProgram(
  name: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<ProgramEnd | undefined> {
  options.signal.throwIfAborted();
  const path = findProgram(name);
  if (path === undefined) return undefined;
  const group = spawn('/bin/sh', ['-c', KEEPER, 'sh', path, ...args], {
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ...options.env },
    // Leads a process group: all that the program starts is in it.
    detached: true,
  });
  await once(group, 'spawn');
  return converse(name, group, options);
}

/** @returns its path, or nothing when the machine has no such program */
export function findProgram(name: string): string | undefined {
  const folders = isAbsolute(name) ? [''] : (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/**
 * A folder for files that programs need. It is this thread's own, and goes with it, however it ends.
 * @returns the same at each call
 */
export function threadFolder(): Promise<string> {
  folder ??= makeFolder();
  return folder;
}

let folder: Promise<string> | undefined;

async function makeFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'heddle-'));
  const janitor = spawn('/bin/sh', ['-c', JANITOR, 'sh', path], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { PATH: process.env.PATH },
    detached: true,
  });
  await once(janitor, 'spawn');
  // Lives as long as the thread, and keeps it from nothing.
  janitor.unref();
  (janitor.stdin as unknown as { unref(): void }).unref();
  return path;
}

/**
 * Leads the group: starts the program ("$@", which it does not read), and beside it one that waits for the end of pipe
 * 3, which is the end of the thread that has the other end. It holds none of the program's own pipes, and leaves
 * nothing behind that somebody would have to wait for: in a container nobody may.
 */
const KEEPER = `
exec 4<&0
"$@" <&4 4<&- 3<&- & program=$!
exec </dev/null >/dev/null 2>&1 4<&-
{ read -r _; kill -KILL 0; } <&3 & watch=$!
wait "$program"; code=$?
kill -KILL "$watch"; wait "$watch"
exit "$code"`;

/** What is just being killed may still write there. */
const JANITOR = 'read -r _; for _ in 1 2 3 4 5 6 7 8 9; do rm -rf -- "$1" && exit; sleep 1; done';

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Gives it its input and takes what it says until it has ended. The first reason to stop it is what is thrown. */
async function converse(
  name: string,
  group: ChildProcess,
  { signal, timeoutSeconds, input, maxOutputBytes = 32 * 1024 * 1024 }: ProgramOptions,
): Promise<ProgramEnd> {
  const stop = new AbortController();
  const late = () => stop.abort(new ProgramTimeout(`${name} did not finish within ${timeoutSeconds} s`));
  const exceeded = () =>
    stop.abort(new ProgramOutputExceeded(`${name} wrote more than ${maxOutputBytes} bytes`));
  const timer = setTimeout(late, timeoutSeconds * 1000);
  const stopped = AbortSignal.any([signal, stop.signal]);
  stopped.addEventListener('abort', () => killAll(group), { once: true });
  if (stopped.aborted) killAll(group);
  // What it has left running would keep its pipes open.
  group.once('exit', () => killAll(group));
  try {
    const [[code], output, complaints] = await Promise.all([
      once(group, 'close') as Promise<[number | null]>,
      collect(group.stdout as Readable, maxOutputBytes, exceeded),
      collect(group.stderr as Readable, MAX_COMPLAINT_BYTES),
      input && feed(group.stdin as Writable, input).catch((error) => stop.abort(error)),
    ]);
    stopped.throwIfAborted();
    return { code: code ?? SIGKILLED, output, complaints: complaints.toString('utf8') };
  } finally {
    clearTimeout(timer);
  }
}

const MAX_COMPLAINT_BYTES = 64 * 1024;

/** Somebody else has killed the whole group. */
const SIGKILLED = 128 + 9;

function killAll({ pid }: ChildProcess): void {
  try {
    process.kill(-(pid as number), 'SIGKILL');
  } catch {
    // Nothing of it is left.
  }
}

/** Writes the pieces one after the other. @throws what reading them throws */
async function feed(input: Writable, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  // A program that has seen enough closes its end: its exit code tells why.
  input.on('error', () => {});
  for await (const piece of pieces) {
    const closed = await new Promise((resolve) => input.write(piece, resolve));
    if (closed) return;
  }
  input.end();
}

/** Reads to the end, so that the program is never blocked, and keeps up to `maxBytes`. */
async function collect(output: Readable, maxBytes: number, onTooMuch = () => {}): Promise<Buffer> {
  const kept: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of output as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= maxBytes) kept.push(chunk);
    else onTooMuch();
  }
  return Buffer.concat(kept);
}
