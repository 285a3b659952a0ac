import type { Drained } from './drain.ts';
import { BenchEngine } from './support/engine.ts';

/* A process that submits so many no-op tasks, then starts an engine and measures how long it takes to settle them. */

const SUBMIT_AT_ONCE = 5000;

const [url = '', count = ''] = process.argv.slice(2);
const tasks = Number(count);
const heddle = await BenchEngine.prepare(url);
const submissions = Array.from({ length: SUBMIT_AT_ONCE }, () => ({ type: 'no-op', params: {} }));
for (let left = tasks; left > 0; left -= SUBMIT_AT_ONCE) {
  await heddle.submit(submissions.slice(0, left));
}
await heddle.pool.query('vacuum analyze tasks');
await heddle.pool.query('checkpoint');

const cpuBefore = process.cpuUsage();
const startedAt = performance.now();
const settled = heddle.settled(tasks);
await heddle.start();
await settled;
const ms = performance.now() - startedAt;
const { user, system } = process.cpuUsage(cpuBefore);

const { rows } = await heddle.pool.query(
  "select count(*)::int as left from tasks where status <> 'completed'",
);
if (rows[0]?.left !== 0) throw new Error(`${rows[0]?.left} tasks are not completed`);
const drained: Drained = { ms, cpuMs: (user + system) / 1000 };
process.send?.(drained);
await heddle.stop();
process.disconnect?.();
