import type { TaskTypeDescription } from '../../workers/protocol.ts';
import { HeapWatch, outOfMemory } from './heap-watch.ts';
import { memoryLimitMb } from './memory-limit.ts';
import { MemoryWatch } from './memory-watch.ts';
import { TaskThread, ThreadDied, type ThreadOptions } from './task-thread.ts';
import { ThreadInspector } from './thread-inspector.ts';

/** What the task folders hold. */
export interface Discovery {
  types: TaskTypeDescription[];
  /** Files that are not usable tasks, with the reason. */
  rejected: { file: string; reason: string }[];
}

/**
 * Finds out what the task files define, by asking a thread to load them: task code never runs on the main thread. A
 * file that throws, exits, hangs or fills the memory when it is loaded is rejected, and the others go on.
 * @param loadTimeoutMs how long a file may take to load
 * @throws ThreadDied when no thread comes up; Error when a folder cannot be read
 */
export async function discover(options: ThreadOptions, loadTimeoutMs = 15_000): Promise<Discovery> {
  const inspector = new ThreadInspector();
  inspector.start();
  let thread = await TaskThread.start(options);
  const watch = watchMemory(inspector, options, () => thread);
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
    watch.stop();
    await thread.kill('the task files are read');
    inspector.stop();
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

/** As a runner does while attempts run. */
function watchMemory(
  inspector: ThreadInspector,
  { maxHeapMb }: ThreadOptions,
  current: () => TaskThread,
): { stop(): void } {
  const heapWatch = new HeapWatch(
    inspector,
    maxHeapMb,
    () => [current().id],
    () => void current().kill(outOfMemory(maxHeapMb)),
  );
  const memoryWatch = new MemoryWatch({
    limitMb: memoryLimitMb(1, maxHeapMb),
    inspector,
    threads: () => [{ id: current().id, running: null }],
    recycle: (_threadId, reason) => current().kill(reason),
    observe: () => {}, // The reason is told with the file.
  });
  const timer = setInterval(() => {
    const rssBytes = process.memoryUsage.rss();
    heapWatch.look(rssBytes);
    memoryWatch.look(rssBytes);
  }, WATCH_MS);
  return { stop: () => clearInterval(timer) };
}

const WATCH_MS = 25;
