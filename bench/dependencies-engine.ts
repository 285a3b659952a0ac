import { toldToGo } from './support/child.ts';
import { BenchEngine } from './support/engine.ts';
import type { Drained } from './support/measure-drain.ts';

/* A process that drains so many no-op tasks, and then one that waits for all of them. */

/** What it measured. */
export interface WaitedFor extends Drained {
  /** Of the task that waits. */
  submitMs: number;
}

const [url = '', count = ''] = process.argv.slice(2);
const heddle = await BenchEngine.prepare(url);
process.send?.(await measure(Number(count)));
await heddle.stop();
process.disconnect?.();

async function measure(tasks: number): Promise<WaitedFor> {
  const submissions = Array.from({ length: tasks }, () => ({ type: 'no-op', params: {} }));
  const submitted = await heddle.submit(submissions);
  const depends_on = submitted.map(({ task }) => task.id);
  const submitAt = performance.now();
  await heddle.submit([{ type: 'no-op', params: {}, depends_on }]);
  const submitMs = performance.now() - submitAt;
  await heddle.pool.query('vacuum analyze tasks');
  await heddle.pool.query('checkpoint');
  await toldToGo();
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const settled = heddle.heard.settled(tasks + 1);
  await heddle.start();
  await settled;
  const ms = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { ms, cpuMs: (user + system) / 1000, submitMs };
}
