import type { TaskTypeDescription } from '../../workers/protocol.ts';
import { TaskThread, ThreadDied, type ThreadOptions } from './task-thread.ts';

/** What the task folders hold. */
export interface Discovery {
  types: TaskTypeDescription[];
  /** Files that are not usable tasks, with the reason. */
  rejected: { file: string; reason: string }[];
}

/**
 * Finds out what the task files define, by asking a thread to load them: task code never runs on the main thread. A
 * file that throws, exits or hangs when it is loaded is rejected, and the others go on.
 * @param loadTimeoutMs how long a file may take to load
 * @throws ThreadDied when no thread comes up; Error when a folder cannot be read
 */
export async function discover(options: ThreadOptions, loadTimeoutMs = 5000): Promise<Discovery> {
  let thread = await TaskThread.start(options);
  const found: Discovery = { types: [], rejected: [] };
  const seen = new Map<string, string>();
  try {
    for (const file of await thread.list()) {
      // Also when the first one is rejected: it is the one that threads would load.
      const twin = seen.get(file.type);
      if (twin !== undefined) {
        const reason = `the task type '${file.type}' is defined by ${twin} already`;
        found.rejected.push({ file: file.path, reason });
        continue;
      }
      seen.set(file.type, file.path);
      try {
        found.types.push(await describeInTime(thread, file, loadTimeoutMs));
      } catch (error) {
        found.rejected.push({ file: file.path, reason: (error as Error).message });
        if (error instanceof ThreadDied) thread = await TaskThread.start(options);
      }
    }
    return found;
  } finally {
    await thread.kill('the task files are read');
  }
}

async function describeInTime(
  thread: TaskThread,
  file: { type: string; path: string },
  timeoutMs: number,
): Promise<TaskTypeDescription> {
  const timer = setTimeout(() => void thread.kill(`it did not load within ${timeoutMs / 1000} s`), timeoutMs);
  try {
    return await thread.describe(file);
  } finally {
    clearTimeout(timer);
  }
}
