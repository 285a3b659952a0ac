import { once } from 'node:events';
import { readConfig } from '../src/main/config.ts';
import type { HeddleEvent } from '../src/main/observe/events.ts';
import { createLog, logEvents } from '../src/main/observe/log.ts';
import { Runner } from '../src/main/runner.ts';
import { TASKS, THREADS } from './support/task-types.ts';
import type { Timeline } from './support/timeline.ts';

/* A runner, as `heddle runner` has it, that runs until it is told anything, and then tells its timeline. */

const [databaseUrl = ''] = process.argv.slice(2);
const config = readConfig({ DATABASE_URL: databaseUrl, THREADS: String(THREADS), TASKS_DIR: TASKS });
const log = createLog('error');
const logEvent = logEvents(log.logger);
const timeline: Timeline = { claims: [], completed: [], cpu: [], listening: [] };
const CPU_EVERY_MS = 50;

process.once('disconnect', () => process.exit()); // Whoever wanted to know is gone.
const runner = await Runner.prepare({ config, databaseUrl, log, observe });
await runner.start();
setInterval(tellCpu, CPU_EVERY_MS).unref();
process.send?.('ready');
await once(process, 'message');
await runner.stop('the end of the benchmark');
process.send?.(timeline, () => process.exit());

function observe(event: HeddleEvent): void {
  logEvent(event);
  const at = Date.now();
  if (event.event === 'tasks_claimed') timeline.claims.push(at);
  else if (event.event === 'listening') timeline.listening.push(at);
  else if (event.event === 'attempt_ended' && event.status === 'completed') addCompleted(at);
}

/** They come in batches. */
function addCompleted(at: number): void {
  const last = timeline.completed.at(-1);
  if (last?.at === at) last.count++;
  else timeline.completed.push({ at, count: 1 });
}

function tellCpu(): void {
  const { user, system } = process.cpuUsage();
  timeline.cpu.push({ at: Date.now(), ms: (user + system) / 1000 });
}
