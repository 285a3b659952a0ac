import type { PeriodicTask } from '../../client/index.ts';
import { alignColumns, printable, readableTime } from './table.ts';

const HEAD = ['NAME', 'SCHEDULE', 'NEXT RUN', 'LAST RUN', 'ENDED', 'RUNS', 'FAILURES'];
const MOST_CHARACTERS = 40;

/** Periodic tasks as a table. */
export function periodicTableOf(tasks: readonly PeriodicTask[]): string {
  if (tasks.length === 0) return 'no periodic tasks';
  return alignColumns([HEAD, ...tasks.map(rowOf)]).join('\n');
}

function rowOf(task: PeriodicTask): string[] {
  return [
    task.name,
    printable(scheduleOf(task), MOST_CHARACTERS),
    task.paused ? 'paused' : timeOf(task.next_run_at),
    timeOf(task.last_run_at),
    task.last_status ?? '-',
    String(task.runs),
    String(task.failures),
  ];
}

/** An interval has no time zone. */
function scheduleOf({ schedule, timezone }: PeriodicTask): string {
  return schedule.startsWith('every ') ? schedule : `${schedule} ${timezone}`;
}

function timeOf(time: string | null): string {
  return time === null ? '-' : readableTime(time);
}
