import { z } from 'zod';
import { defineDatabaseTask } from '../../src/workers/define-task.ts';

export default defineDatabaseTask({
  description: 'Does nothing, or tells when it started and spins: nobody knows beforehand',
  payload: z.object({ spin: z.boolean() }),
  timeoutSeconds: 2,
  maxRetries: 0,
  run(context) {
    if (!context.payload.spin) return;
    void context.progress(0, String(process.hrtime.bigint()));
    for (;;);
  },
});
