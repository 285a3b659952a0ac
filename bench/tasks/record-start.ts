import { z } from 'zod';
import { defineDatabaseTask } from '../../src/workers/define-task.ts';

export default defineDatabaseTask({
  description: 'Tells when it started, by the monotonic clock that all threads and processes share',
  payload: z.object({ number: z.number().optional() }),
  run: () => String(process.hrtime.bigint()),
});
