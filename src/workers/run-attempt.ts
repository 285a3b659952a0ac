import type { AttemptScope } from './attempt.ts';
import { Context } from './context.ts';
import { brandOf, type Dependency, RetryAfter } from './define-task.ts';
import type { LoadedTask } from './load-tasks.ts';
import type { ReportedOutcome } from './protocol.ts';
import { REPAIRED, toErrorRecord, toJson } from './report.ts';
import type { Control } from './shared/control.ts';
import { inRunSpan, type SpanOutcome } from './shared/tracing.ts';
import type { Thread } from './thread.ts';

export interface AttemptReport {
  outcome: ReportedOutcome;
  settledByTask: boolean;
  ranMs: number;
}

/*
 * Each promise here is one more that Node follows for AsyncLocalStorage, at a good part of a microsecond up to
 * Node 22. So what most attempts need not wait for is not awaited.
 */

/**
 * Runs one attempt from its order to its report. Never throws: whatever happens is an outcome.
 * @param control hears when its task file is loaded, which does not count towards its timeout
 */
export async function runAttempt(
  scope: AttemptScope,
  thread: Thread,
  control: Control,
): Promise<AttemptReport> {
  let ended: ReportedOutcome;
  try {
    thread.begin(scope);
    const task = thread.files.loaded(scope.order.type) ?? (await load(scope, thread, control));
    ended = await scope.run(() => inRunSpan(scope.order, () => outcomeOf(scope, thread, task), spanOutcome));
  } catch (thrown) {
    ended = withoutSecrets(scope, failure(thrown));
  }
  // An unhandled rejection or an immediate of the attempt's own comes up within this turn, and is still its failure.
  await new Promise(setImmediate);
  if (thread.holdsDatabase) await thread.releaseDatabase(scope);
  const outcome = scope.crashed === null ? ended : ({ kind: 'failed', error: scope.crashed } as const);
  if (scope.settledByTask && 'error' in outcome)
    scope.warn(`after complete(): ${outcome.error.message}`, { err: outcome.error });
  return { outcome, settledByTask: scope.settledByTask, ranMs: performance.now() - scope.startedAt };
}

async function load(scope: AttemptScope, thread: Thread, control: Control): Promise<LoadedTask> {
  control.loading();
  const task = await thread.files.load(scope.order.type);
  thread.takeStock();
  control.loaded();
  scope.throwIfAborted(); // While it was loading. Once it runs, it would listen for an event that has passed.
  scope.startedAt = performance.now();
  return task;
}

/** Never rejects. */
function outcomeOf(scope: AttemptScope, thread: Thread, task: LoadedTask): Promise<ReportedOutcome> {
  return scope.orCrash(
    validateAndRun(scope, thread, task),
    (thrown) => withoutSecrets(scope, failure(thrown)),
    (error) => ({ kind: 'failed', error }),
  );
}

function withoutSecrets(scope: AttemptScope, outcome: ReportedOutcome): ReportedOutcome {
  return 'error' in outcome ? { ...outcome, error: scope.redactError(outcome.error) } : outcome;
}

async function validateAndRun(
  scope: AttemptScope,
  thread: Thread,
  task: LoadedTask,
): Promise<ReportedOutcome> {
  const { order } = scope;
  let payload: unknown;
  if (task.payload !== null) {
    const params: unknown = JSON.parse(order.params);
    if (order.hasSecrets) scope.keepSecret(await task.secretsIn(params));
    const parsed = await task.payload.safeParseAsync(params);
    if (!parsed.success) return invalid(scope, parsed.error.issues);
    payload = parsed.data;
  }
  if (order.limited?.lacksKeys) computeKeysAgain(task, payload);
  if (task.keyOf !== null && order.uniqueKey === null) {
    const duplicateOf = await claimUniqueKey(scope, thread, task.keyOf(payload));
    if (duplicateOf !== null) return { kind: 'duplicate', of: duplicateOf };
  }
  const dependencies = order.hasDependencies ? await dependenciesOf(scope, thread) : [];
  const running = task.run(new Context(scope, thread, payload, dependencies));
  // After its first lines: what is told to have begun has begun.
  if (order.limited?.tellsStart) thread.tell({ say: 'started', claimToken: order.claimToken });
  const returned = await running;
  if (task.result === null || scope.settledByTask) return succeeded(scope, returned);
  return succeeded(scope, await asDeclared(task.result, returned));
}

function invalid(scope: AttemptScope, issues: Parameters<typeof faults>[0]): ReportedOutcome {
  return { kind: 'invalid', error: scope.redactError({ name: 'InvalidParams', message: faults(issues) }) };
}

/** It failed when they were wanted: what it throws now is why. @throws RetryAfter when it throws nothing any more */
function computeKeysAgain(task: LoadedTask, payload: unknown): void {
  task.limitKeysOf?.(payload);
  throw new RetryAfter(0, 'its keys could not be computed at first, and now they can');
}

/** A type whose `deduplicate` is a function learns its key here: the API never loads task code. */
async function claimUniqueKey(scope: AttemptScope, thread: Thread, key: string): Promise<string | null> {
  return (await thread.request(scope.order.claimToken, { do: 'claim-unique-key', key })) as string | null;
}

async function dependenciesOf(scope: AttemptScope, thread: Thread): Promise<Dependency[]> {
  const told = await thread.request(scope.order.claimToken, { do: 'tell-dependencies' });
  return JSON.parse(told as string) as Dependency[];
}

async function asDeclared(result: Exclude<LoadedTask['result'], null>, returned: unknown): Promise<unknown> {
  const parsed = await result.safeParseAsync(returned);
  if (parsed.success) return parsed.data;
  throw new TypeError(`the result is not what the task type declares: ${faults(parsed.error.issues)}`);
}

function succeeded(scope: AttemptScope, result: unknown): ReportedOutcome {
  if (scope.settledByTask) {
    if (result !== undefined) scope.warn('after complete(): what run returned is not kept');
    return { kind: 'succeeded', result: null };
  }
  try {
    const { json, repaired } = toJson(result);
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
