import { definePeriodicTask } from '../workers/define-task.ts';

export default definePeriodicTask({
  description: 'Says that it ran: the shortest periodic task there is',
  emoji: '⏰',
  every: '30 seconds',
  async run({ log }) {
    log.info('the example ticked');
  },
});
