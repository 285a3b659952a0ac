import type { AttemptScope } from './attempt.ts';
import { createContext } from './context.ts';
import { brandOf, type Dependency, RetryAfter } from './define-task.ts';
import type { LoadedTask } from './load-tasks.ts';
import type { ReportedOutcome } from './protocol.ts';
import { REPAIRED, toErrorRecord, toJson } from './report.ts';
import { inRunSpan, type SpanOutcome } from './shared/tracing.ts';
import type { Thread } from './thread.ts';

export interface AttemptReport {
  outcome: ReportedOutcome;
  settledByTask: boolean;
  ranMs: number;
}

/**
 * Runs one attempt from its order to its report. Never throws: whatever happens is an outcome.
 * @param loaded is called when its task file is loaded, which does not count towards its timeout
 */
export async function runAttempt(
  scope: AttemptScope,
  thread: Thread,
  loaded: () => void,
): Promise<AttemptReport> {
  const ended = await perform(scope, thread, loaded);
  // An unhandled rejection or an immediate of the attempt's own comes up within this turn, and is still its failure.
  await new Promise(setImmediate);
  await thread.releaseDatabase(scope);
  const outcome = scope.crashed === null ? ended : ({ kind: 'failed', error: scope.crashed } as const);
  if (scope.settledByTask && 'error' in outcome)
    scope.warn(`after complete(): ${outcome.error.message}`, { err: outcome.error });
  return { outcome, settledByTask: scope.settledByTask, ranMs: performance.now() - scope.startedAt };
}

async function perform(scope: AttemptScope, thread: Thread, loaded: () => void): Promise<ReportedOutcome> {
  try {
    thread.begin(scope);
    const task = await thread.files.load(scope.order.type);
    thread.loaded();
    loaded();
    scope.throwIfAborted(); // While it was loading. Once it runs, it would listen for an event that has passed.
    scope.startedAt = performance.now();
    return await scope.run(() => inRunSpan(scope.order, () => outcomeOf(scope, thread, task), spanOutcome));
  } catch (thrown) {
    return withoutSecrets(scope, failure(thrown));
  }
}

/** Never throws. */
async function outcomeOf(scope: AttemptScope, thread: Thread, task: LoadedTask): Promise<ReportedOutcome> {
  const ended = validateAndRun(scope, thread, task).catch(failure);
  return withoutSecrets(scope, await scope.orCrash(ended, (error) => ({ kind: 'failed', error })));
}

function withoutSecrets(scope: AttemptScope, outcome: ReportedOutcome): ReportedOutcome {
  return 'error' in outcome ? { ...outcome, error: scope.redactError(outcome.error) } : outcome;
}

async function validateAndRun(
  scope: AttemptScope,
  thread: Thread,
  task: LoadedTask,
): Promise<ReportedOutcome> {
  let payload: unknown;
  if (task.payload !== null) {
    const params: unknown = JSON.parse(scope.order.params);
    if (scope.order.hasSecrets) scope.keepSecret(await task.secretsIn(params));
    const parsed = await task.payload.safeParseAsync(params);
    if (!parsed.success)
      return { kind: 'invalid', error: { name: 'InvalidParams', message: faults(parsed.error.issues) } };
    payload = parsed.data;
  }
  if (scope.order.limited?.lacksKeys) computeKeysAgain(task, payload);
  const duplicateOf = await claimUniqueKey(scope, thread, task, payload);
  if (duplicateOf !== null) return { kind: 'duplicate', of: duplicateOf };
  const dependencies = await dependenciesOf(scope, thread);
  const running = task.run(createContext(scope, thread, payload, dependencies));
  // After its first lines: what is told to have begun has begun.
  if (scope.order.limited?.tellsStart) thread.tell({ say: 'started', claimToken: scope.order.claimToken });
  return succeeded(scope, task, await running);
}

/** It failed when they were wanted: what it throws now is why. @throws RetryAfter when it throws nothing any more */
function computeKeysAgain(task: LoadedTask, payload: unknown): void {
  task.limitKeysOf?.(payload);
  throw new RetryAfter(0, 'its keys could not be computed at first, and now they can');
}

/** A type whose `deduplicate` is a function learns its key here: the API never loads task code. */
async function claimUniqueKey(
  scope: AttemptScope,
  thread: Thread,
  task: LoadedTask,
  payload: unknown,
): Promise<string | null> {
  if (task.keyOf === null || scope.order.uniqueKey !== null) return null;
  const key = task.keyOf(payload);
  return (await thread.request(scope.order.claimToken, { do: 'claim-unique-key', key })) as string | null;
}

async function dependenciesOf(scope: AttemptScope, thread: Thread): Promise<Dependency[]> {
  const { claimToken, hasDependencies } = scope.order;
  if (!hasDependencies) return [];
  return JSON.parse(
    (await thread.request(claimToken, { do: 'tell-dependencies' })) as string,
  ) as Dependency[];
}

function succeeded(scope: AttemptScope, task: LoadedTask, returned: unknown): ReportedOutcome {
  if (scope.settledByTask) {
    if (returned !== undefined) scope.warn('after complete(): what run returned is not kept');
    return { kind: 'succeeded', result: null };
  }
  let value = returned;
  if (task.result !== null) {
    const parsed = task.result.safeParse(returned);
    if (!parsed.success)
      throw new TypeError(`the result is not what the task type declares: ${faults(parsed.error.issues)}`);
    value = parsed.data;
  }
  try {
    const { json, repaired } = toJson(value);
    if (repaired) scope.warn(REPAIRED('the result'));
    return { kind: 'succeeded', result: json };
  } catch (error) {
    throw new TypeError(`the result is not JSON: ${(error as Error).message}`);
  }
}

function failure(thrown: unknown): ReportedOutcome {
  const error = toErrorRecord(thrown);
  switch (brandOf(thrown)) {
    case 'PermanentError':
      return { kind: 'invalid', error };
    case 'RetryAfter': {
      const { seconds } = thrown as RetryAfter;
      if (Number.isFinite(seconds) && seconds >= 0) return { kind: 'snoozed', seconds, error };
      return {
        kind: 'failed',
        error: { ...error, message: `RetryAfter needs seconds of at least 0, not ${seconds}` },
      };
    }
    default:
      return { kind: 'failed', error };
  }
}

function spanOutcome(outcome: ReportedOutcome): SpanOutcome {
  const isFailure = outcome.kind === 'failed' || outcome.kind === 'invalid';
  return { name: outcome.kind, error: isFailure ? outcome.error : null };
}

function faults(issues: readonly { path: PropertyKey[]; message: string }[]): string {
  return issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`))
    .join('; ');
}
