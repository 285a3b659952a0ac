import { threadId } from 'node:worker_threads';
import { AttemptScope } from './attempt.ts';
import { describeTask } from './describe-task.ts';
import { heldBytes, showHeldMemory } from './held-memory.ts';
import { limitKeys } from './limit-keys.ts';
import { listTaskFiles, type TaskFile, TaskFiles } from './load-tasks.ts';
import type { BootOrder, Bundle, BundleEnd, KeyOrder, LimitKeys, TaskTypeDescription } from './protocol.ts';
import { toErrorRecord } from './report.ts';
import { resolveFromEngine } from './resolve-from-engine.ts';
import { type AttemptReport, runAttempt } from './run-attempt.ts';
import { toAttemptOrder } from './shared/attempt-row.ts';
import { Control } from './shared/control.ts';
import { sendSpans } from './shared/tracing.ts';
import { Thread } from './thread.ts';

/*
 * The entry of a worker thread: what Piscina calls. A thread runs the attempts of a bundle one after the other and
 * reports how each ended; what becomes of a task is never decided here.
 */

let thread: Thread | undefined;

/** The first call: connects the thread. @returns its id, as Node counts threads */
export function boot(order: BootOrder): number {
  if (order.taskFolders.length > 1) resolveFromEngine(order.taskFolders.slice(1));
  showHeldMemory();
  thread = new Thread(order, new TaskFiles(order.taskFolders));
  return threadId;
}

/** The task files there are. */
export function list(): TaskFile[] {
  return listTaskFiles(booted().files.folders);
}

/** Loads one task file and describes it. @throws Error with the reason when it is not a task */
export async function describe(file: TaskFile): Promise<TaskTypeDescription> {
  try {
    return await describeTask(file);
  } catch (thrown) {
    // A file can throw anything, and of much of that structured clone keeps no message.
    throw new Error(toErrorRecord(thrown).message);
  }
}

/** What tasks count as for the limits of their type. */
export function keys(order: KeyOrder): Promise<(LimitKeys | null)[]> {
  return limitKeys(order, booted().files);
}

/** Runs the attempts of a bundle, one at a time, until it is done or has left something behind. */
export async function run(bundle: Bundle): Promise<BundleEnd> {
  const here = booted();
  if (here.dirty !== null) return { dirty: here.dirty };
  const control = new Control(bundle.control);
  here.takeStock();
  for (const [index, row] of bundle.attempts.entries()) {
    if (here.lease.over) break; // Others may run the rest already: the main thread takes it back.
    if (!control.start(index, heldBytes())) continue;
    const order = toAttemptOrder(row);
    const report = await runAttempt(new AttemptScope(order, here), here, control);
    control.end();
    const mayWait = report.ranMs < SLOW_MS || index === bundle.attempts.length - 1;
    if (!(mayWait && succeeded(control, index, report)))
      here.tell({ say: 'outcome', claimToken: order.claimToken, ...report });
    if (here.isAsBefore()) continue;
    const dirty = await here.leftBehind();
    if (dirty !== null) return { dirty };
  }
  return { dirty: null };
}

/** Nobody waits for the rest of the bundle to hear of the end of an attempt that took so long. */
const SLOW_MS = 3;

/** Tells of a success as most are. @returns false when it has to be told in a message */
function succeeded(
  control: Control,
  index: number,
  { outcome, settledByTask, ranMs }: AttemptReport,
): boolean {
  return outcome.kind === 'succeeded' && !settledByTask && control.succeed(index, ranMs, outcome.result);
}

/** The last call: what OpenTelemetry's SDK has gathered here, if there is one, would go with the thread. */
export async function end(): Promise<void> {
  await sendSpans(LAST_SPANS_MS);
}

const LAST_SPANS_MS = 1000;

function booted(): Thread {
  if (thread === undefined) throw new Error('the thread was not booted');
  return thread;
}
