import type { Context } from 'hono';
import type { FinishWatch } from '../../engine/finish-watch.ts';
import { isFinished, type Status } from '../../engine/task.ts';
import { addHeader } from '../answers/respond.ts';

/**
 * Waits for a task to finish as long as the caller asked by `Prefer: wait=SECONDS`, at most a minute.
 * @returns whether the task has to be read anew
 */
export async function waitAsPreferred(
  c: Context,
  finishes: FinishWatch,
  { id, status }: { id: string; status: Status },
): Promise<boolean> {
  const seconds = preferredWait(c);
  if (seconds === undefined) return false;
  addHeader(c, 'Preference-Applied', 'wait');
  if (isFinished(status)) return false;
  await finishes.finished(id, seconds, c.req.raw.signal);
  return true;
}

/** For how many seconds the caller wants to wait. A preference that is not understood is ignored, as RFC 7240 asks. */
export function preferredWait(c: Context): number | undefined {
  const prefer = c.req.header('prefer');
  if (prefer === undefined) return undefined;
  const seconds = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:$|[,;])/i.exec(prefer)?.[1];
  return seconds === undefined ? undefined : Math.min(Number(seconds), MAX_WAIT_SECONDS);
}

const MAX_WAIT_SECONDS = 60;

export const PREFER_WAIT =
  '`wait=SECONDS` waits until the task has finished, at most that long and at most a minute';
export const PREFERENCE_APPLIED = '`wait` when the answer has waited';
