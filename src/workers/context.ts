import type { Pool, PoolClient } from 'pg';
import type { Logger } from 'pino';
import type { AttemptScope } from './attempt.ts';
import { complete } from './complete.ts';
import type { Dependency, SubmitOptions, TaskContext } from './define-task.ts';
import type { AttemptOrder, ThreadRequest } from './protocol.ts';
import { REPAIRED, storable, toJson } from './report.ts';
import { startSubmitSpan, traceIdOf } from './shared/tracing.ts';
import type { Thread } from './thread.ts';

/** What an attempt's `run` gets. What is costly is made when it is first asked for. */
export function createContext(
  scope: AttemptScope,
  thread: Thread,
  payload: unknown,
  dependencies: readonly Dependency[],
): TaskContext {
  const { order } = scope;
  let log: Logger | undefined;
  return {
    payload,
    task: {
      id: order.taskId,
      type: order.type,
      attempt: order.attempt,
      maxRetries: order.maxRetries,
      createdAt: new Date(order.createdAtMs),
      domain: order.domain,
      description: order.description,
      dependencies,
    },
    get signal(): AbortSignal {
      return scope.signal;
    },
    get log(): Logger {
      log ??= thread.logger.child(logFields(order));
      return log;
    },
    get database(): Pool {
      return thread.database.pool;
    },
    async progress(fraction: number, message?: string): Promise<void> {
      if (!(typeof fraction === 'number' && fraction >= 0 && fraction <= 1))
        throw new RangeError(`progress is from 0 to 1, not ${fraction}`);
      const { value, repaired } = storable(message === undefined ? null : scope.redact(message));
      if (repaired) scope.warn(REPAIRED('a progress message'));
      thread.tell({ say: 'progress', claimToken: order.claimToken, fraction, message: value });
    },
    async submit(type: string, params: unknown = {}, options: SubmitOptions = {}) {
      const span = startSubmitSpan([type], order.traceparent);
      const request: ThreadRequest = {
        do: 'submit',
        type,
        params: toJson(params).json ?? '{}',
        options: JSON.stringify(options),
        traceparent: span.traceparent,
      };
      const submitted = () => thread.request(order.claimToken, request) as ReturnType<TaskContext['submit']>;
      return span.around(submitted, ({ id }) => [id]);
    },
    complete(client: Pick<PoolClient, 'query'>, result?: unknown): Promise<void> {
      return complete(scope, client, result);
    },
  };
}

/** In every line: by these a task's lines are found, and its trace. */
function logFields({ taskId, type, attempt, traceparent }: AttemptOrder): Record<string, unknown> {
  const trace_id = traceIdOf(traceparent);
  return { task_id: taskId, task_type: type, attempt, ...(trace_id !== undefined && { trace_id }) };
}
