import { z } from 'zod';
import { defineDatabaseTask } from '../../src/workers/define-task.ts';
import { compute } from '../support/compute.ts';

export default defineDatabaseTask({
  payload: z.object({ rounds: z.number() }),
  run({ payload }) {
    compute(payload.rounds);
  },
});
