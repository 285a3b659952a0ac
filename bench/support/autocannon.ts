import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../src/main/package-root.ts';

const PROGRAM = join(packageRoot, 'bench', 'node_modules', 'autocannon', 'autocannon.js');
const KEYED_PROGRAM = fileURLToPath(new URL('./autocannon-keyed.js', import.meta.url));

export interface Load {
  url: string;
  /** Sent as JSON by POST. */
  body: string;
  connections: number;
  seconds: number;
  /** Each request has an Idempotency-Key of its own. */
  keyed?: boolean;
}

export interface Loaded {
  /** Answers with 2xx. */
  perSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
}

/** Sends as many requests as are answered, from a process of its own. @throws Error when anything but 2xx is answered */
export async function load(load: Load): Promise<Loaded> {
  const { url } = load;
  const result = JSON.parse(await output(load.keyed ? keyedCommand(load) : command(load))) as Result;
  const failed = result.non2xx + result.errors;
  if (failed > 0) throw new Error(`${url}: ${failed} requests were not answered with 2xx`);
  const { p50, p99 } = result.latency;
  return { perSecond: result['2xx'] / result.duration, p50, p99 };
}

interface Result {
  '2xx': number;
  non2xx: number;
  errors: number;
  /** Seconds. */
  duration: number;
  latency: { p50: number; p99: number };
}

function command({ url, body, connections, seconds }: Load): string[] {
  const post = ['-m', 'POST', '-H', 'content-type=application/json', '-b', body];
  return [PROGRAM, ...post, '-c', String(connections), '-d', String(seconds), '-j', url];
}

function keyedCommand({ url, body, connections, seconds }: Load): string[] {
  return [KEYED_PROGRAM, url, String(connections), String(seconds), body];
}

async function output(args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += String(chunk);
  });
  await once(child, 'close');
  return text;
}
