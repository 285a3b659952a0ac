import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { MAX_TEXT_BYTES, type ReadingLimits } from './limits.ts';
import type { Reading } from './transcript.ts';
import { damaged, encrypted, tookTooLong, tooMuchText } from './unreadable.ts';

/**
 * Extracts text with poppler's `pdftotext`, which gets the file on its standard input: nothing of it is left on a
 * disk, however this thread ends.
 * @returns nothing when the machine has no such program
 * @throws PermanentError when the file is encrypted, damaged or has too much text; another error, which a retry may
 *   help, when the program takes too long, crashes or cannot be started
 */
export async function readWithPdftotext(
  pieces: AsyncIterable<Uint8Array>,
  limits: ReadingLimits,
): Promise<Reading | undefined> {
  limits.signal.throwIfAborted();
  const program = await start();
  if (program === undefined) return undefined;

  const { exit, text, complaints } = await converse(program, pieces, limits);
  if (exit !== 0) throw faultOf(exit, complaints);
  const pages = text.split('\f');
  pages.pop(); // A form feed follows each page, so that nothing follows the last one.
  return { pages, transcribedBy: 'pdftotext', warnings: warningsOf(complaints) };
}

type Program = ChildProcessByStdio<Writable, Readable, Readable>;

async function start(): Promise<Program | undefined> {
  const program = spawn('pdftotext', ['-enc', 'UTF-8', '-eol', 'unix', '--', '-', '-'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // It reads files of strangers: it need not know the database's password.
    env: { PATH: process.env.PATH },
  });
  try {
    await once(program, 'spawn');
    return program;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EACCES') return undefined;
    throw error;
  }
}

interface Conversation {
  /** The exit code, or the name of the signal that ended it. */
  exit: number | string;
  text: string;
  complaints: string;
}

/** Gives it the file and takes what it says until it has ended. The first reason to stop it is what is thrown. */
async function converse(
  program: Program,
  pieces: AsyncIterable<Uint8Array>,
  { signal, timeoutSeconds, maxTextBytes = MAX_TEXT_BYTES }: ReadingLimits,
): Promise<Conversation> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(tookTooLong('pdftotext', timeoutSeconds)), timeoutSeconds * 1000);
  const stopped = AbortSignal.any([signal, stop.signal]);
  stopped.addEventListener('abort', () => program.kill('SIGKILL'), { once: true });
  if (stopped.aborted) program.kill('SIGKILL');
  try {
    const [[code, killedBy], text, complaints] = await Promise.all([
      once(program, 'close') as Promise<[number | null, string | null]>,
      collect(program.stdout, maxTextBytes, () => stop.abort(tooMuchText(maxTextBytes))),
      collect(program.stderr, MAX_COMPLAINT_BYTES),
      feed(program.stdin, pieces).catch((error) => stop.abort(error)),
    ]);
    stopped.throwIfAborted();
    return { exit: code ?? killedBy ?? 'unknown', text, complaints };
  } finally {
    clearTimeout(timer);
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
async function collect(output: Readable, maxBytes: number, onTooMuch = () => {}): Promise<string> {
  const kept: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of output as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= maxBytes) kept.push(chunk);
    else onTooMuch();
  }
  return Buffer.concat(kept).toString('utf8');
}

const MAX_COMPLAINT_BYTES = 64 * 1024;

/** What pdftotext(1) says about a file it could not read. Other exits are the machine's fault, or a crash. */
function faultOf(exit: number | string, complaints: string): Error {
  if (/incorrect password/i.test(complaints)) return encrypted();
  const detail = linesOf(complaints)[0] ?? `exit code ${exit}`;
  if (EXITS_OVER_THE_FILE.includes(exit) && !/out of memory/i.test(complaints)) {
    return damaged('pdftotext', detail);
  }
  return new Error(`pdftotext ended with ${exit}: ${detail}`);
}

/** The file cannot be opened, does not permit copying, or has another fault. */
const EXITS_OVER_THE_FILE: readonly unknown[] = [1, 3, 99];

function warningsOf(complaints: string): string[] {
  const lines = [...new Set(linesOf(complaints))];
  if (lines.length <= MAX_WARNINGS) return lines;
  return [...lines.slice(0, MAX_WARNINGS), `and ${lines.length - MAX_WARNINGS} more such lines`];
}

const MAX_WARNINGS = 20;

function linesOf(complaints: string): string[] {
  return complaints
    .split('\n')
    .map((line) => line.replace(/\p{Cc}/gu, '').trim())
    .filter((line) => line !== '');
}
