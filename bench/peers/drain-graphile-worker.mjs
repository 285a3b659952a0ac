// A process that adds so many no-op jobs, then starts graphile-worker in its best configuration and measures how
// long it takes until none is left in the database.
import { EventEmitter, once } from 'node:events';
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';

const ADD_AT_ONCE = 5000;
const CONCURRENCY = 24;

const [connectionString, count] = process.argv.slice(2);
const jobs = Number(count);
const logger = new Logger(() => () => {});

const utils = await makeWorkerUtils({ connectionString, logger });
await utils.migrate();
for (let left = jobs; left > 0; left -= ADD_AT_ONCE) {
  const length = Math.min(left, ADD_AT_ONCE);
  await utils.addJobs(Array.from({ length }, () => ({ identifier: 'no-op', payload: {} })));
}
await utils.release();
const client = new pg.Client({ connectionString });
await client.connect();
await client.query('vacuum analyze graphile_worker._private_jobs');
await client.query('checkpoint');

const events = new EventEmitter();
let ran = 0;
const allRan = new Promise((resolve) => {
  events.on('job:success', () => {
    ran++;
    if (ran === jobs) resolve();
  });
});

const told = once(process, 'message');
process.send('ready');
await told;

const cpuBefore = process.cpuUsage();
const startedAt = performance.now();
const runner = await run({
  connectionString,
  maxPoolSize: CONCURRENCY + 1,
  concurrency: CONCURRENCY,
  noHandleSignals: true,
  logger,
  events,
  taskList: { 'no-op': () => {} },
  preset: { worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
});
await allRan;
// It has told of the last job before the database has heard of it.
while ((await client.query('select from graphile_worker._private_jobs limit 1')).rowCount > 0);
const ms = performance.now() - startedAt;
const { user, system } = process.cpuUsage(cpuBefore);

process.send({ ms, cpuMs: (user + system) / 1000 });
await runner.stop();
await client.end();
process.disconnect();
