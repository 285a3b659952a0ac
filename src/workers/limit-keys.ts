import type { LoadedTask, TaskFiles } from './load-tasks.ts';
import type { KeyOrder, LimitKeys } from './protocol.ts';

/**
 * Computes what tasks count as for the limits of their type, in their order. null: the params are invalid, the task's
 * functions throw, or its file does not load. The task's own attempt will end with the reason.
 */
export async function limitKeys({ type, params }: KeyOrder, files: TaskFiles): Promise<(LimitKeys | null)[]> {
  const task = await files.load(type).catch(() => null);
  return Promise.all(params.map((text) => keysOf(task, text)));
}

async function keysOf(task: LoadedTask | null, params: string): Promise<LimitKeys | null> {
  try {
    const parsed = await task?.payload?.safeParseAsync(JSON.parse(params));
    return (parsed?.success && task?.limitKeysOf?.(parsed.data)) || null;
  } catch {
    return null;
  }
}
