import { z } from 'zod';
import { defineDatabaseTask } from '../../src/workers/define-task.ts';

export default defineDatabaseTask({ payload: z.object({}), run() {} });
