import type { Hono } from 'hono';
import type { Queryable } from '../src/main/database/connect.ts';
import { createTestDatabase } from '../test/support/database.ts';
import { openApi } from './support/api.ts';
import type { BenchOptions, Row } from './support/bench.ts';
import { fillTable, queueMore } from './support/fill-table.ts';
import { median } from './support/statistics.ts';

/** Lists and statistics of a large table, as the API answers them, without a socket. */
export async function stats({ quick, tasks, say }: BenchOptions): Promise<Row[]> {
  const size = tasks ?? (quick ? 50_000 : 1_000_000);
  const database = await createTestDatabase();
  try {
    say(`filling a table with ${size.toLocaleString('en')} tasks`);
    await fillTable(database.url, size);
    const lists = await measure(database.url, await listsOf(database.pool()), say);
    const endings = await measure(database.url, await endingsOf(database.pool()), say);
    const few = await measureStatistics(database.url, 'statistics', say);
    await queueMore(database.url, size / 10);
    const more = `with ${(size / 10).toLocaleString('en')} more queued`;
    const many = await measureStatistics(database.url, more, say);
    return [
      ...toRows(size, 'GET /tasks', lists),
      ...toRows(size, 'GET /stats', [few, many]),
      ...endings.map((ending) => toRow(size, ending)),
    ];
  } finally {
    await database.drop();
  }
}

/** Of each: once right after the start of an API, which has no connection yet, and then some times more. */
interface Measured {
  name: string;
  firstMs: number;
  thenMs: number[];
}

const ROUNDS = 9;
const TARGET_MS = 50;

type Paths = Record<string, string>;
type Say = (line: string) => void;

async function measure(databaseUrl: string, paths: Paths, say: Say): Promise<Measured[]> {
  const api = await openApi(databaseUrl);
  const all: Measured[] = [];
  for (const [name, path] of Object.entries(paths)) {
    const firstMs = await timeAnew(databaseUrl, path);
    const thenMs: number[] = [];
    for (let round = 0; round < ROUNDS; round++) thenMs.push(await time(api.app, path));
    all.push(tell({ name, firstMs, thenMs }, say));
  }
  await api.stop();
  return all;
}

/** Each time by another API, because one keeps them for a while. */
async function measureStatistics(databaseUrl: string, name: string, say: Say): Promise<Measured> {
  const firstMs = await timeAnew(databaseUrl, STATS);
  const thenMs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const { app, stop } = await openApi(databaseUrl);
    await time(app, '/api/v1/task-types'); // Connects.
    thenMs.push(await time(app, STATS));
    await stop();
  }
  return tell({ name, firstMs, thenMs }, say);
}

const STATS = '/api/v1/stats';

function tell(measured: Measured, say: Say): Measured {
  const { name, firstMs, thenMs } = measured;
  say(`${name}: first ${firstMs.toFixed(1)} ms, then ${median(thenMs).toFixed(1)} ms`);
  return measured;
}

async function timeAnew(databaseUrl: string, path: string): Promise<number> {
  const { app, stop } = await openApi(databaseUrl);
  const ms = await time(app, path);
  await stop();
  return ms;
}

async function time(app: Hono, path: string): Promise<number> {
  const startedAt = performance.now();
  const answer = await app.request(path);
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${path} was answered with ${answer.status}: ${text}`);
  return performance.now() - startedAt;
}

async function listsOf(database: Queryable): Promise<Paths> {
  const { rows } = await database.query<{ key: string }>(
    'select unique_key as key from tasks where unique_key is not null limit 1',
  );
  const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();
  const queries = {
    'all tasks': '',
    'all tasks, 1000 at once': 'limit=1000',
    'all tasks, from the 100,000th on': 'offset=100000',
    'status=created (400 of all)': 'status=created',
    'status=queued': 'status=queued',
    'status=running': 'status=running',
    'status=completed': 'status=completed',
    'status=failed': 'status=failed',
    'two statuses': 'status=failed&status=queued',
    'type of 40 %': 'type=send-mail',
    'type of 0.1 ‰': 'type=rebuild-index',
    'type of 20 tasks': 'type=close-the-year',
    'type of none': 'type=none',
    'domain of 1 ‰': 'domain=domain-13',
    'domain of none': 'domain=none',
    unique_key: `unique_key=${rows[0]?.key}`,
    'created in the last day': `created_after=${daysAgo(1)}`,
    'created in the last second': `created_after=${daysAgo(0)}`,
    'created 15 days ago': `created_before=${daysAgo(15)}`,
    'q that many have': 'q=order',
    'q that none has': 'q=nowhere+to+be+found',
  };
  return Object.fromEntries(Object.entries(queries).map(([name, query]) => [name, `/api/v1/tasks?${query}`]));
}

/** How people name a task: by the last group of its id, as the CLI shows it, or by less of it. */
async function endingsOf(database: Queryable): Promise<Paths> {
  const { rows } = await database.query<{ ending: string }>(
    "select split_part(id::text, '-', 5) as ending from tasks where status = 'queued' order by id desc limit 1",
  );
  const ending = rows[0]?.ending ?? '';
  return {
    'a task by the last group of its id': `/api/v1/tasks/${ending}`,
    'a task by the last 8 digits of its id': `/api/v1/tasks/${ending.slice(-8)}`,
  };
}

function toRow(size: number, { name, thenMs }: Measured): Row {
  const what = `${name}, of ${size.toLocaleString('en')} tasks`;
  return { what, target: '-', measured: `${median(thenMs).toFixed(1)} ms`, met: null };
}

function toRows(size: number, what: string, measured: readonly Measured[]): Row[] {
  const times = measured.length > 2 ? `, ${measured.length} queries` : '';
  const name = `${what} of ${size.toLocaleString('en')} tasks${times}`;
  const slowest = (of: (one: Measured) => number) =>
    measured.toSorted((a, b) => of(b) - of(a))[0] as Measured;
  const usually = slowest(({ thenMs }) => median(thenMs));
  const first = slowest(({ firstMs }) => firstMs);
  const usualMs = median(usually.thenMs);
  return [
    {
      what: `${name}: slowest`,
      target: `< ${TARGET_MS} ms`,
      measured: `${usualMs.toFixed(1)} ms (${usually.name})`,
      met: usualMs < TARGET_MS,
    },
    {
      what: `${name}: slowest on a new connection`,
      target: '-',
      measured: `${first.firstMs.toFixed(1)} ms (${first.name})`,
      met: null,
    },
  ];
}
