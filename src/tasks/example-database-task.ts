import { z } from 'zod';
import { defineDatabaseTask } from '../workers/define-task.ts';

export default defineDatabaseTask({
  description: 'Echoes its payload: the shortest database task there is',
  emoji: '💬',
  payload: z.object({ message: z.string(), count: z.int().positive() }),
  async run({ payload, log }) {
    log.info({ count: payload.count }, 'echoing a message');
    return { message: payload.message, count: payload.count };
  },
});
