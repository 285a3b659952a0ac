import type { Observe } from '../../observe/events.ts';

/** Tells of the tasks that were added, by type. Those that were there already are none. */
export function tellAccepted(
  observe: Observe,
  submitted: readonly { task: { type: string }; deduplicated: boolean }[],
): void {
  const by_type: Record<string, number> = {};
  let count = 0;
  for (const { task, deduplicated } of submitted) {
    if (deduplicated) continue;
    by_type[task.type] = (by_type[task.type] ?? 0) + 1;
    count++;
  }
  if (count > 0) observe({ event: 'tasks_submitted', count, by_type });
}
