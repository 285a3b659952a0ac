import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { claim, claimByAge } from '../src/main/engine/claim.ts';
import { claimLimited } from '../src/main/engine/claim-limited.ts';
import { createTestDatabase } from '../test/support/database.ts';
import { addLiveRunner } from '../test/support/runner-row.ts';
import type { BenchOptions, Row } from './support/bench.ts';
import { percentile } from './support/statistics.ts';

/**
 * How long single claims take when a million tasks are due at once, and PostgreSQL's statistics still say that there
 * are none; and of a type with limits, when as many wait behind a full key.
 */
export async function claims({ quick, say }: BenchOptions): Promise<Row[]> {
  const count = quick ? 100_000 : 1_000_000;
  const rounds = quick ? 50 : 300;
  const rows: Row[] = [];
  for (const { what, targetMs = 100, fill, claimSome } of CASES) {
    const times = await measure(count, rounds, fill, claimSome);
    const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)];
    say(`${what}: p50 ${p50.toFixed(2)} ms, most ${Math.max(...times).toFixed(2)} ms`);
    rows.push({
      what: `${count.toLocaleString('en')} ${what}, ${rounds} times: p99`,
      target: `< ${targetMs} ms`,
      measured: `${p99.toFixed(2)} ms`,
      met: p99 < targetMs,
    });
  }
  return rows;
}

type ClaimSome = (database: pg.Pool, runnerId: string) => Promise<unknown>;

interface Case {
  what: string;
  /** @default 100 */
  targetMs?: number;
  /** $1 to $2: numbers of tasks. */
  fill: string;
  claimSome: ClaimSome;
}

const DUE = `
insert into tasks (type, status, priority, run_at)
select 'no-op', 'queued', n % 5, now() - interval '1 minute' from generate_series($1::int, $2::int) n`;

const BEHIND_A_FULL_KEY = `
with runs as (
  insert into tasks (type, status, concurrency_key, rate_key, runner_id, claim_token)
  values ('limited', 'running', 'full', '', heddle_uuid_v7(), $1::int)
), other_keys as (
  insert into tasks (type, status, concurrency_key, rate_key, priority)
  select 'limited', 'queued', 'key ' || n, '', 1 from generate_series($1::int, $2::int, 100) n
)
insert into tasks (type, status, concurrency_key, rate_key)
select 'limited', 'queued', 'full', '' from generate_series($1::int, $2::int)`;

const ONE_KEY_EACH = `
insert into tasks (type, status, concurrency_key, rate_key)
select 'limited', 'queued', 'key ' || n, '' from generate_series($1::int, $2::int) n`;

const CASES: readonly Case[] = [
  { what: 'due, claim of 2', fill: DUE, claimSome: plain(claim, 2) },
  { what: 'due, claim of 500', targetMs: 200, fill: DUE, claimSome: plain(claim, 500) },
  { what: 'due, claim of 2 by age', fill: DUE, claimSome: plain(claimByAge, 2) },
  { what: 'with a key each, claim of 2', fill: ONE_KEY_EACH, claimSome: limited },
  {
    what: 'behind a full key and a hundredth as many other keys, claim of 2',
    fill: BEHIND_A_FULL_KEY,
    claimSome: limited,
  },
];

function plain(claimIt: typeof claim, free: number): ClaimSome {
  const wanted = [{ type: 'no-op', free, quick: true, tick: false }];
  return (database, runnerId) => claimIt(database, runnerId, { wanted, most: free, mostSlow: free });
}

function limited(database: pg.Pool, runnerId: string): Promise<unknown> {
  const wanted = { type: 'limited', free: 2, quick: false, tick: false };
  const limits = { maxConcurrent: null, maxConcurrentPerKey: 1, rate: null };
  return claimLimited(database, runnerId, wanted, limits, 'by urgency');
}

/** @returns in milliseconds */
async function measure(count: number, rounds: number, fill: string, claimSome: ClaimSome): Promise<number[]> {
  const database = await createTestDatabase();
  const pool = database.pool();
  const runnerId = randomUUID();
  try {
    await addLiveRunner(pool, runnerId);
    await pool.query('alter table tasks set (autovacuum_enabled = off)');
    await pool.query('analyze tasks');
    for (let from = 1; from <= count; from += AT_ONCE)
      await pool.query(fill, [from, Math.min(count, from + AT_ONCE - 1)]);
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const startedAt = performance.now();
      await claimSome(pool, runnerId);
      times.push(performance.now() - startedAt);
      await pool.query(COMPLETE, [runnerId]);
    }
    return times;
  } finally {
    await database.drop();
  }
}

const AT_ONCE = 50_000;

/** What was claimed is done: its dead rows stay, since nothing vacuums here. */
const COMPLETE = `update tasks set status = 'completed', finished_at = now() where status = 'running' and runner_id = $1`;
