import type { RunnableType } from '../../src/main/engine/task-types.ts';

type Schedule = NonNullable<RunnableType['schedule']>;

/** A periodic type as a thread describes it. `everySeconds` makes it one of an interval. */
export function periodicType(name: string, schedule: Partial<Schedule> = {}): RunnableType {
  const { everySeconds = schedule.cron ? null : 30 } = schedule;
  return {
    name,
    file: `/tasks/${name}.js`,
    kind: 'periodic',
    description: null,
    emoji: '⏰',
    payloadSchema: {},
    hasSecrets: false,
    retentionDays: { completed: null, failed: null },
    timeoutSeconds: 20,
    maxRetries: 0,
    retry: { strategy: 'cooldown', seconds: 0 },
    batchSize: 1,
    pollIntervalSeconds: 5,
    deduplicate: 'none',
    limits: null,
    schedule: {
      every: everySeconds === null ? null : `${everySeconds} seconds`,
      everySeconds,
      cron: null,
      timezone: 'UTC',
      missed: 'once',
      overlap: 'skip',
      runOnStart: everySeconds !== null,
      ...schedule,
    },
    warnings: [],
  };
}
