import type { Queryable } from '../connect.ts';
import { readExpectations } from './expectations.ts';
import { type LastHour, readLastHour } from './last-hour.ts';
import { completeQueue, countQueue, isCut, type QueueCounts } from './queue.ts';
import { countAll, countSome, estimateTasks, isSmall, type TaskCounts } from './tasks.ts';

/** How things stand. */
export interface Statistics {
  tasks: TaskCounts;
  queue: QueueCounts;
  last_hour: LastHour;
}

/**
 * Reads it, in some milliseconds however many tasks there are. One statement after the other, because each at the same
 * time would need a connection of its own, and to open one takes as long as all of them.
 * @throws Error when the database does not answer
 */
export async function readStatistics(database: Queryable): Promise<Statistics> {
  const counts = await readCounts(database);
  return { ...counts, last_hour: await readLastHour(database) };
}

/** What is counted is exact. The rest is expected, of which the database knows enough without looking at each task. */
async function readCounts(database: Queryable): Promise<Pick<Statistics, 'tasks' | 'queue'>> {
  const queued = await countQueue(database);
  if (!isCut(queued) && (await isSmall(database)))
    return { tasks: await countAll(database), queue: completeQueue(queued, null) };
  const counted = await countSome(database);
  const expected = await readExpectations(database, isCut(queued));
  const queue = completeQueue(queued, expected);
  return { tasks: estimateTasks(counted, queue, expected), queue };
}
