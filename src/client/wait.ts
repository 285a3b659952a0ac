import { pause } from './pause.ts';
import type { Transport } from './transport.ts';
import type { Status, Task } from './types.ts';

export interface Waiting {
  /** @default for ever */
  seconds?: number | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Waits for a task to finish, but no longer than so many seconds. The API waits for a minute at most: a longer wait asks
 * again.
 * @returns the task as it is then
 */
export async function waitForTask(transport: Transport, id: string, waiting: Waiting): Promise<Task> {
  const { seconds = Number.POSITIVE_INFINITY, signal } = waiting;
  const until = Date.now() + seconds * 1000;
  for (;;) {
    const askedAt = Date.now();
    const left = Math.max(0, Math.ceil((until - askedAt) / 1000));
    const waitSeconds = Math.min(left, LONGEST_SECONDS);
    const task = await transport.json<Task>({
      method: 'GET',
      path: `/api/v1/tasks/${encodeURIComponent(id)}`,
      headers: waitSeconds > 0 ? { prefer: `wait=${waitSeconds}` } : {},
      waitSeconds,
      signal,
    });
    if (isFinished(task.status) || Date.now() >= until) return task;
    // An API that stops answers at once, and a proxy may drop what was preferred.
    if (Date.now() - askedAt < 1000) await pause(Math.min(1000, until - Date.now()), signal);
  }
}

export function isFinished(status: Status): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

const LONGEST_SECONDS = 60;
