import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect } from '../src/main/database/connect.ts';
import { publishTaskTypes } from '../src/main/engine/publish.ts';
import { createTestDatabase } from '../test/support/database.ts';
import { Heddle } from '../test/support/heddle.ts';
import { temporaryDirectory } from '../test/support/temporary-directory.ts';
import { waitFor } from '../test/support/wait-for.ts';
import { load } from './support/autocannon.ts';
import type { BenchOptions, Row } from './support/bench.ts';
import { nextMessage, startChild } from './support/child.ts';
import { toolsAreInstalled } from './support/peer.ts';
import { median, medianRatio, percentile, spread } from './support/statistics.ts';
import { learnTaskTypes } from './support/task-types.ts';

/**
 * The API as `heddle api` serves it: how many tasks a second it accepts, each committed, beside a route that only
 * parses and one that inserts a row a request; how soon it shows a task; and its memory.
 */
export async function http(options: BenchOptions): Promise<Row[]> {
  if (!toolsAreInstalled(options.say)) return notMeasured('autocannon is not installed');
  const database = await createTestDatabase();
  await publishTypes(database.url);
  const directory = await temporaryDirectory();
  const api = new Heddle(['api'], { DATABASE_URL: database.url, PORT: '0', LOG_LEVEL: 'info' }, directory);
  const bare = startChild(new URL('./http-bare.js', import.meta.url), [database.url]);
  try {
    const apiUrl = await addressOf(api);
    const bareUrl = await nextMessage<string>(bare);
    return await measure(apiUrl, bareUrl, api.child.pid, options);
  } finally {
    const ended = once(bare, 'exit');
    bare.kill();
    await Promise.all([ended, api.stop()]);
    await rm(directory, { recursive: true, force: true });
    await database.drop();
  }
}

const CONNECTIONS = 100;
const SHARE_OF_PARSE = 0.5;
const TIMES_INSERT = 3;
const READS_PER_SECOND = 500;
const READ_CONNECTIONS = 10;
const READ_P99_MS = 10;
const READ_ROUNDS = 5;
const MEGABYTES = 150;

/** Nobody runs it: a no-op with something to read in it. */
const BODY = JSON.stringify({
  type: 'hold',
  params: { ms: 250 },
  description: 'What the benchmark submits',
  priority: 5,
});

async function publishTypes(databaseUrl: string): Promise<void> {
  const pool = connect(databaseUrl, 'bench', () => {});
  await publishTaskTypes(pool, await learnTaskTypes(databaseUrl));
  await pool.end();
}

async function addressOf(api: Heddle): Promise<string> {
  const listening = await waitFor('the API to listen', () => api.events('api_listening')[0], 20_000);
  return listening.url as string;
}

async function measure(
  apiUrl: string,
  bareUrl: string,
  pid: number | undefined,
  { quick, say }: BenchOptions,
): Promise<Row[]> {
  const seconds = quick ? 1 : 6;
  const rounds = quick ? 2 : 5;
  const memory = watchMemory(pid);
  const rates: Rates = { parse: [], submit: [], insert: [], keyed: [] };
  const rate = async (url: string, keyed = false) => {
    const { perSecond, p50, p99 } = await load({ url, body: BODY, connections: CONNECTIONS, seconds, keyed });
    const what = `${new URL(url).pathname}${keyed ? ' with keys' : ''}`;
    say(`${what}: ${perSecond.toFixed(0)}/s, p50 ${p50} ms, p99 ${p99} ms`);
    return perSecond;
  };
  const tasksUrl = `${apiUrl}/api/v1/tasks`;
  // What V8 has not compiled yet is slower.
  for (const url of [`${bareUrl}/parse`, tasksUrl, `${bareUrl}/insert`]) await rate(url);
  await rate(tasksUrl, true);
  const reads = await readTask(apiUrl, seconds);
  say(`GET at ${READS_PER_SECOND}/s: p99 ${spread(reads, 1)} ms`);
  for (let round = 0; round < rounds; round++) {
    rates.parse.push(await rate(`${bareUrl}/parse`));
    rates.submit.push(await rate(tasksUrl));
    rates.insert.push(await rate(`${bareUrl}/insert`));
    rates.keyed.push(await rate(tasksUrl, true));
  }
  return toRows(rates, reads, memory.stop());
}

/** @returns the 99th percentile of reading one task, in milliseconds, of each round */
async function readTask(apiUrl: string, seconds: number): Promise<number[]> {
  const response = await fetch(`${apiUrl}/api/v1/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: BODY,
  });
  const url = apiUrl + response.headers.get('location');
  const read = (forSeconds: number) =>
    nextMessage<number[]>(
      startChild(new URL('./support/paced-gets.js', import.meta.url), [
        url,
        String(READ_CONNECTIONS),
        String(forSeconds),
        String(READS_PER_SECOND),
      ]),
    );
  await read(1);
  const p99s: number[] = [];
  for (let round = 0; round < READ_ROUNDS; round++) p99s.push(percentile(await read(seconds), 0.99));
  return p99s;
}

/** Looks at a process's resident memory until it is stopped. @returns the most, in megabytes, or null without /proc */
function watchMemory(pid: number | undefined): { stop: () => number | null } {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return { stop: () => null };
  let most = 0;
  const timer = setInterval(() => {
    const kilobytes = Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(file, 'utf8'))?.[1]);
    most = Math.max(most, kilobytes / 1024);
  }, 100);
  return {
    stop() {
      clearInterval(timer);
      return most;
    },
  };
}

/** Requests a second, by round. */
type Rates = Record<'parse' | 'submit' | 'insert' | 'keyed', number[]>;

function toRows({ parse, submit, insert, keyed }: Rates, reads: number[], megabytes: number | null): Row[] {
  const ofParse = medianRatio(submit, parse);
  const ofInsert = medianRatio(submit, insert);
  const ofKeyless = medianRatio(keyed, submit);
  const what = `durable POST /tasks, ${CONNECTIONS} connections, ${submit.length} rounds: requests/s`;
  return [
    {
      what,
      target: `≥ ${SHARE_OF_PARSE} × a route that parses`,
      measured: `${ofParse.toFixed(2)} ×: ${spread(submit)} to ${spread(parse)}`,
      met: ofParse >= SHARE_OF_PARSE,
    },
    {
      what,
      target: `≥ ${TIMES_INSERT} × an INSERT a request`,
      measured: `${ofInsert.toFixed(2)} ×: ${spread(submit)} to ${spread(insert)}`,
      met: ofInsert >= TIMES_INSERT,
    },
    {
      what: `the same, each with an Idempotency-Key, ${keyed.length} rounds: requests/s`,
      target: '-',
      measured: `${ofKeyless.toFixed(2)} × without: ${spread(keyed)} to ${spread(submit)}`,
      met: null,
    },
    {
      what: `GET /tasks/{id} at ${READS_PER_SECOND} requests/s, ${READ_ROUNDS} rounds: p99`,
      target: `< ${READ_P99_MS} ms`,
      measured: `${spread(reads, 1)} ms`,
      met: median(reads) < READ_P99_MS,
    },
    {
      what: 'API under this load: most memory',
      target: `< ${MEGABYTES} MB resident`,
      measured: megabytes === null ? 'not measured: needs /proc' : `${megabytes.toFixed(0)} MB`,
      met: megabytes === null ? null : megabytes < MEGABYTES,
    },
  ];
}

function notMeasured(reason: string): Row[] {
  return [{ what: 'the HTTP API', target: '-', measured: `not measured: ${reason}`, met: null }];
}
