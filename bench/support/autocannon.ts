import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { packageRoot } from '../../src/main/package-root.ts';

const PROGRAM = join(packageRoot, 'bench', 'node_modules', 'autocannon', 'autocannon.js');

export interface Load {
  url: string;
  /** Sent as JSON by POST; without it the request is a GET. */
  body?: string;
  connections: number;
  seconds: number;
  /** Requests a second of all connections together; as many as are answered when it is left out. */
  rate?: number;
}

export interface Loaded {
  /** Answers with 2xx. */
  perSecond: number;
  /** In milliseconds, from when a request was due. */
  p50: number;
  p99: number;
}

/** Sends requests from a process of its own. @throws Error when anything but 2xx is answered */
export async function load({ url, body, connections, seconds, rate }: Load): Promise<Loaded> {
  const post = body === undefined ? [] : ['-m', 'POST', '-H', 'content-type=application/json', '-b', body];
  const paced = rate === undefined ? [] : ['-R', String(rate)];
  const said = await output([...post, ...paced, '-c', String(connections), '-d', String(seconds), '-j', url]);
  const result = JSON.parse(said) as Result;
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

async function output(args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += String(chunk);
  });
  await once(child, 'close');
  return text;
}
