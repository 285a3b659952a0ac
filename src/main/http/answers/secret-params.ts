import type { VisibleTask } from '../../database/tasks.ts';
import type { TaskTypeCatalogue } from '../../engine/task-types.ts';

/**
 * Learns which params are secret.
 * @returns what makes of a task that which any caller may see: its secret params are hidden from all
 */
export async function hidingSecrets(
  catalogue: TaskTypeCatalogue,
): Promise<<Task extends VisibleTask>(task: Task) => Task> {
  const types = await catalogue.find([]); // Types that are gone are still in the table.
  return (task) => {
    const type = types.get(task.type);
    const params = task.params as Record<string, unknown>;
    return type === undefined ? task : { ...task, params: type.withoutSecrets(params) };
  };
}
