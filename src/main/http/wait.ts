import type { Context } from 'hono';
import type { FinishWatch } from '../engine/finish-watch.ts';
import { isFinished, type Status } from '../engine/task.ts';

/**
 * Waits for a task to finish as long as the caller asked by `Prefer: wait=SECONDS`, at most a minute.
 * @returns whether the task has to be read anew
 */
export async function waitAsPreferred(
  c: Context,
  finishes: FinishWatch,
  { id, status }: { id: string; status: Status },
): Promise<boolean> {
  const seconds = preferredWait(c.req.header('prefer'));
  if (seconds === undefined) return false;
  c.header('Preference-Applied', 'wait');
  if (isFinished(status)) return false;
  await finishes.finished(id, Math.min(seconds, MAX_WAIT_SECONDS), c.req.raw.signal);
  return true;
}

const MAX_WAIT_SECONDS = 60;

export const PREFER_WAIT =
  '`wait=SECONDS` waits until the task has finished, at most that long and at most a minute';
export const PREFERENCE_APPLIED = '`wait` when the answer has waited';

/** A preference that is not understood is ignored, as RFC 7240 asks. */
function preferredWait(header = ''): number | undefined {
  const seconds = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:$|[,;])/i.exec(header)?.[1];
  return seconds === undefined ? undefined : Number(seconds);
}
