import { setTimeout as sleep } from 'node:timers/promises';
import { createTestDatabase } from '../test/support/database.ts';
import type { BenchOptions, Row } from './support/bench.ts';
import { BenchEngine } from './support/engine.ts';
import { percentile } from './support/statistics.ts';

/** From the call of submit to the first line of the task, one task at a time in a system that has nothing else to do. */
export async function latency({ quick, say }: BenchOptions): Promise<Row[]> {
  const database = await createTestDatabase();
  const heddle = await BenchEngine.prepare(database.url);
  try {
    await heddle.start();
    for (let warmUp = 0; warmUp < 20; warmUp++) await submitToStart(heddle);
    const times: number[] = [];
    for (let round = 0; round < (quick ? 100 : 500); round++) {
      await sleep(10 + Math.random() * 20);
      times.push(await submitToStart(heddle));
    }
    const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)];
    say(`least ${Math.min(...times).toFixed(2)} ms, most ${Math.max(...times).toFixed(2)} ms`);
    const what = `submit to start, idle, ${times.length} times`;
    return [
      { what: `${what}: p50`, target: '< 5 ms', measured: `${p50.toFixed(2)} ms`, met: p50 < 5 },
      { what: `${what}: p99`, target: '-', measured: `${p99.toFixed(2)} ms`, met: null },
    ];
  } finally {
    await heddle.stop();
    await database.drop();
  }
}

/** In milliseconds. */
async function submitToStart(heddle: BenchEngine): Promise<number> {
  const ended = heddle.heard.settled(1);
  const submittedAt = process.hrtime.bigint();
  const [submitted] = await heddle.submit([{ type: 'record-start', params: {} }]);
  await ended;
  const { rows } = await heddle.pool.query<{ result: string }>('select result from tasks where id = $1', [
    submitted?.task.id,
  ]);
  return Number(BigInt(rows[0]?.result ?? 0) - submittedAt) / 1e6;
}
