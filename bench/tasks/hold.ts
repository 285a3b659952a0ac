import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { defineDatabaseTask } from '../../src/workers/define-task.ts';

export default defineDatabaseTask({
  description: 'Keeps a thread for a while',
  payload: z.object({ ms: z.number() }),
  async run({ payload }) {
    await sleep(payload.ms);
  },
});
