import type { Pool, PoolClient } from 'pg';
import type { Logger } from 'pino';
import type { AttemptScope } from './attempt.ts';
import { complete } from './complete.ts';
import type { Dependency, TaskContext, TaskInfo } from './define-task.ts';
import type { AttemptOrder, ThreadRequest } from './protocol.ts';
import { REPAIRED, storable, toJson } from './report.ts';
import { startSubmitSpan, traceIdOf } from './shared/tracing.ts';
import type { Thread } from './thread.ts';

/**
 * What an attempt's `run` gets. What is costly is made when it is first asked for, by getters of the class: those of an
 * object literal would be made anew for each attempt, and cost as much as all the rest of an attempt that does nothing.
 */
export class Context implements TaskContext {
  readonly payload: unknown;
  readonly task: TaskInfo;
  readonly #scope: AttemptScope;
  readonly #thread: Thread;
  #log: Logger | undefined;

  constructor(scope: AttemptScope, thread: Thread, payload: unknown, dependencies: readonly Dependency[]) {
    const { order } = scope;
    this.#scope = scope;
    this.#thread = thread;
    this.payload = payload;
    this.task = {
      id: order.taskId,
      type: order.type,
      attempt: order.attempt,
      maxRetries: order.maxRetries,
      createdAt: new Date(order.createdAtMs),
      domain: order.domain,
      description: order.description,
      dependencies,
    };
  }

  get signal(): AbortSignal {
    return this.#scope.signal;
  }

  get log(): Logger {
    this.#log ??= this.#thread.logger.child(logFields(this.#scope.order));
    return this.#log;
  }

  get database(): Pool {
    return this.#thread.database.pool;
  }

  // Functions, so that they can be taken out of their context: `run({ payload, submit })`.

  readonly progress = async (fraction: number, message?: string): Promise<void> => {
    if (!(typeof fraction === 'number' && fraction >= 0 && fraction <= 1))
      throw new RangeError(`progress is from 0 to 1, not ${fraction}`);
    const { value, repaired } = storable(message === undefined ? null : this.#scope.redact(message));
    if (repaired) this.#scope.warn(REPAIRED('a progress message'));
    const { claimToken } = this.#scope.order;
    this.#thread.tell({ say: 'progress', claimToken, fraction, message: value });
  };

  readonly submit: TaskContext['submit'] = async (type, params = {}, options = {}) => {
    const { claimToken, traceparent } = this.#scope.order;
    const span = startSubmitSpan([type], traceparent);
    const request: ThreadRequest = {
      do: 'submit',
      type,
      params: toJson(params).json ?? '{}',
      options: JSON.stringify(options),
      traceparent: span.traceparent,
    };
    const submitted = () => this.#thread.request(claimToken, request) as ReturnType<TaskContext['submit']>;
    return span.around(submitted, ({ id }) => [id]);
  };

  readonly complete = (client: Pick<PoolClient, 'query'>, result?: unknown): Promise<void> =>
    complete(this.#scope, client, result);
}

/** In every line: by these a task's lines are found, and its trace. */
function logFields({ taskId, type, attempt, traceparent }: AttemptOrder): Record<string, unknown> {
  const trace_id = traceIdOf(traceparent);
  return { task_id: taskId, task_type: type, attempt, ...(trace_id !== undefined && { trace_id }) };
}
