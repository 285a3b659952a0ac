import type pg from 'pg';
import type { Submission } from '../../src/main/engine/submit.ts';
import { toldToGo } from './child.ts';
import type { Heard } from './heard.ts';

/** What a draining process measured. */
export interface Drained {
  /** From the start of the runner until every task was settled in the database. */
  ms: number;
  /** Of the process, its threads with it. */
  cpuMs: number;
}

/** What one of ours measured. */
export interface OursDrained extends Drained {
  /** How much of `ms` passed before the first tasks were claimed. */
  startMs: number;
}

/** What drains: an engine, or a whole runner. */
export interface Drainer {
  pool: pg.Pool;
  heard: Heard;
  submit(submissions: readonly Submission[]): Promise<unknown>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** In a process of its own: submits so many no-op tasks, then starts, and tells its parent how long settling them took. */
export async function measureDrain(heddle: Drainer, tasks: number): Promise<void> {
  await submitNoOps((submissions) => heddle.submit(submissions), tasks);
  await heddle.pool.query('vacuum analyze tasks');
  await heddle.pool.query('checkpoint');
  await toldToGo();
  process.send?.(await drain(heddle, tasks));
  await heddle.stop();
  process.disconnect?.();
}

export async function submitNoOps(
  submit: (submissions: readonly Submission[]) => Promise<unknown>,
  tasks: number,
): Promise<void> {
  const submissions = Array.from({ length: SUBMIT_AT_ONCE }, () => ({ type: 'no-op', params: {} }));
  for (let left = tasks; left > 0; left -= SUBMIT_AT_ONCE) await submit(submissions.slice(0, left));
}

const SUBMIT_AT_ONCE = 5000;

async function drain(heddle: Drainer, tasks: number): Promise<OursDrained> {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const startMs = heddle.heard.claim().then(() => performance.now() - startedAt);
  const settled = heddle.heard.settled(tasks);
  await heddle.start();
  await settled;
  const ms = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  await assertAllCompleted(heddle.pool);
  return { ms, startMs: await startMs, cpuMs: (user + system) / 1000 };
}

async function assertAllCompleted(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ left: number }>(
    "select count(*)::int as left from tasks where status <> 'completed'",
  );
  if (rows[0]?.left !== 0) throw new Error(`${rows[0]?.left} tasks are not completed`);
}
