import { definePeriodicTask } from '../../src/workers/define-task.ts';

export default definePeriodicTask({
  description: 'Does nothing, each second',
  every: '1 second',
  run() {},
});
