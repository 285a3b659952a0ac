// BullMQ on PostgreSQL, its processor in the engine's own process.
import { createPostgresBackend, runMigrations } from 'bullmq';
import pg from 'pg';
import { BullMqSystem } from './bullmq-system.mjs';
import { Starts } from './work.mjs';

export function open(options, ended) {
  const starts = new Starts();
  return new BullMqSystem(options, ended, {
    connection: { connectionString: options.url, max: POOL },
    backend: createPostgresBackend,
    migrate: () => migrate(options.url),
    processor: async ({ name, data }) => starts.run(name, data),
    concurrency: CONCURRENCY[options.best],
  });
}

const POOL = 20;
const CONCURRENCY = { throughput: 32, latency: 32, waiting: 200 };

async function migrate(connectionString) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  await runMigrations(client);
  await client.end();
}
