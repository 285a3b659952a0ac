import { definePeriodicTask } from '../workers/define-task.ts';
import { aggregateDay, daysToAggregate } from './agents/daily-metrics.ts';

export default definePeriodicTask({
  description: 'Adds up each day of agents, tasks and documents into ai_metrics',
  emoji: '📊',
  every: '10 minutes',
  timeoutSeconds: 120,
  async run({ database, log, progress, signal }) {
    const days = await daysToAggregate(database);
    for (const [at, day] of days.entries()) {
      signal.throwIfAborted();
      await aggregateDay(database, day);
      await progress((at + 1) / days.length, day);
    }
    log.debug({ days }, 'aggregated');
    return { days };
  },
});
