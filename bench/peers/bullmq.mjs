// BullMQ on Redis, its processor in the engine's own process.
import { BullMqSystem } from './bullmq-system.mjs';
import { Starts } from './work.mjs';

export function open(options, ended) {
  const starts = new Starts();
  return new BullMqSystem(options, ended, {
    connection: { url: options.url },
    processor: async ({ name, data }) => starts.run(name, data),
    concurrency: CONCURRENCY[options.best],
  });
}

const CONCURRENCY = { throughput: 100, latency: 100, waiting: 500 };
