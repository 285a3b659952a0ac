// BullMQ on Redis, each job in a worker thread: a pool of as many as there may be jobs under way.
import { BullMqSystem } from './bullmq-system.mjs';

export function open(options, ended) {
  return new BullMqSystem(options, ended, {
    connection: { url: options.url },
    processor: new URL('./bullmq-processor.mjs', import.meta.url),
    concurrency: options.concurrency ?? 2,
    useWorkerThreads: true,
  });
}
