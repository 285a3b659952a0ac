import type { VisibleTask } from '../../database/tasks.ts';
import type { TaskType } from '../../engine/task-types.ts';

/**
 * A task as any caller may see it: its secret params are hidden from all.
 * @param types the types of the catalogue: those that are gone are still in it
 */
export function hideSecrets<Task extends VisibleTask>(
  task: Task,
  types: ReadonlyMap<string, TaskType>,
): Task {
  const params = types.get(task.type)?.withoutSecrets(task.params as Record<string, unknown>) ?? task.params;
  return params === task.params ? task : { ...task, params };
}
