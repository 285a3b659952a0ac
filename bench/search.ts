import type { Hono } from 'hono';
import type { Queryable } from '../src/main/database/connect.ts';
import { createTestDatabase } from '../test/support/database.ts';
import { openApi } from './support/api.ts';
import type { BenchOptions, Row } from './support/bench.ts';
import { fillDocuments } from './support/fill-documents.ts';
import { cpuSeconds, TELLS_CPU } from './support/process-cpu.ts';
import { median, percentile } from './support/statistics.ts';

/** `GET /documents/search` as the API answers it, without a socket: by words alone, and with vectors. */
export async function search({ quick, say }: BenchOptions): Promise<Row[]> {
  const chunks = quick ? 5_000 : 50_000;
  const database = await createTestDatabase();
  try {
    say(`filling the tables with ${chunks.toLocaleString('en')} chunks`);
    await fillDocuments(database.url, chunks);
    const backends = () => backendsOf(database.pool());
    const words = await measure(database.url, 'full_text', {}, backends, say);
    const hybrid = await measure(database.url, 'hybrid', { EMBEDDINGS_URL: 'local' }, backends, say);
    return [toRow(chunks, 'full text', words, 50), toRow(chunks, 'hybrid without pgvector', hybrid, 150)];
  } finally {
    await database.drop();
  }
}

const ROUNDS = 15;

const QUERIES = [
  'debian',
  'package',
  'debian package system',
  'install',
  'kernel module',
  'bug123',
  'zanzibar',
  '"debian policy manual"',
  'how do I install a package',
  'what is the difference between stable and testing -unstable',
  '部署',
  'データベース',
  '系统部署失败',
];

interface Measured {
  /** In milliseconds, of each query. */
  times: Map<string, number[]>;
  /** Of API and PostgreSQL together, for one query on average; null where that is not told. */
  cpuMs: number | null;
}

/** Each query in turn, and all of that again. */
async function measure(
  databaseUrl: string,
  method: string,
  env: Record<string, string>,
  backends: () => Promise<number[]>,
  say: (line: string) => void,
): Promise<Measured> {
  const { app, stop } = await openApi(databaseUrl, env);
  const times = new Map(QUERIES.map((q) => [q, [] as number[]]));
  for (const q of QUERIES) await time(app, q, method); // Connects, and reads what is on the disk.
  const pids = [process.pid, ...(await backends())];
  const before = cpuOf(pids);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const q of QUERIES) times.get(q)?.push(await time(app, q, method));
  }
  const cpuMs = before === null ? null : ((cpuOf(pids) ?? 0) - before) / (ROUNDS * QUERIES.length);
  await stop();
  for (const [q, ms] of times) say(`${method} ${q}: ${median(ms).toFixed(1)} ms`);
  return { times, cpuMs };
}

/** In milliseconds. */
function cpuOf(pids: readonly number[]): number | null {
  return TELLS_CPU ? pids.reduce((sum, pid) => sum + 1000 * cpuSeconds(pid), 0) : null;
}

/** The processes that work for the API. */
async function backendsOf(database: Queryable): Promise<number[]> {
  const { rows } = await database.query<{ pid: number }>(
    "select pid from pg_stat_activity where application_name = 'heddle bench'",
  );
  return rows.map(({ pid }) => pid);
}

async function time(app: Hono, q: string, method: string): Promise<number> {
  const startedAt = performance.now();
  const answer = await app.request(`/api/v1/documents/search?q=${encodeURIComponent(q)}`);
  const body = (await answer.json()) as { method?: string };
  const took = performance.now() - startedAt;
  if (body.method !== method) throw new Error(`'${q}' was answered by ${JSON.stringify(body).slice(0, 200)}`);
  return took;
}

function toRow(chunks: number, how: string, { times, cpuMs }: Measured, targetMs: number): Row {
  const all = [...times.values()].flat();
  const p95 = percentile(all, 0.95);
  const [slowest, ms] = [...times].sort(([, a], [, b]) => median(b) - median(a))[0] as [string, number[]];
  return {
    what: `search of ${chunks.toLocaleString('en')} chunks, ${how}, ${times.size} queries: p95`,
    target: `< ${targetMs} ms`,
    measured: `${p95.toFixed(1)} ms; median ${median(all).toFixed(1)}; slowest ${median(ms).toFixed(1)} (${slowest})${cpuMs === null ? '' : `; CPU ${cpuMs.toFixed(1)} each`}`,
    met: p95 < targetMs,
  };
}
