import type { Definition, PayloadOf, ResultOf } from './definition.ts';
import { TaskTimeoutError } from './errors.ts';
import { Facts } from './facts.ts';
import { Transport, type TransportOptions } from './transport.ts';
import type {
  Attempt,
  BatchedSubmission,
  BulkChange,
  BulkFilter,
  Health,
  LogLine,
  PeriodicTask,
  Runner,
  StateChange,
  Stats,
  Submission,
  SubmittedTask,
  Task,
  TaskEvent,
  TaskFilter,
  TaskPage,
  TaskStatus,
  TaskType,
} from './types.ts';
import { isFinished, waitForTask } from './wait.ts';
import { type WatchOptions, watchTask } from './watch.ts';

export type ClientOptions = TransportOptions;

/** A client of the HTTP API. It holds no connection: one can be made for each use, or one for all. */
export function createClient(options: ClientOptions): Client {
  return new Client(options);
}

export interface SubmitOptions extends Submission {
  /** Two submissions with the same key are one. @default a new one: what this client sends again is one submission */
  idempotencyKey?: string | undefined;
  /** Waits so long for the task to finish; the answer is the task as it is then. @default 0 */
  waitSeconds?: number | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * What every method may throw: HeddleError when the API refuses, ConnectionError when it does not answer. Wherever an
 * id is asked for, a unique prefix or ending of at least 4 characters will do.
 */
export class Client {
  readonly facts: Facts;
  readonly #transport: Transport;

  constructor(options: ClientOptions) {
    this.#transport = new Transport(options);
    this.facts = new Facts(this.#transport);
  }

  /**
   * Submits a task. It is committed when this returns, and submitted once however often the request had to be sent.
   * With the type of the task file, `submit<typeof greet>('greet', …)`, its payload is checked and its result known.
   */
  submit<T extends Definition>(
    type: string,
    payload: PayloadOf<T>,
    options?: SubmitOptions,
  ): Promise<SubmittedTask<ResultOf<T> | null>>;
  submit(type: string, payload?: Record<string, unknown>, options?: SubmitOptions): Promise<SubmittedTask>;
  async submit(type: string, payload: unknown = {}, options: SubmitOptions = {}): Promise<SubmittedTask> {
    const { idempotencyKey = crypto.randomUUID(), waitSeconds = 0, signal, ...submission } = options;
    const submitted = await this.#transport.json<SubmittedTask>({
      method: 'POST',
      path: TASKS,
      body: { ...submission, type, params: payload },
      headers: { 'idempotency-key': idempotencyKey },
      signal,
    });
    if (waitSeconds <= 0 || isFinished(submitted.status)) return submitted;
    const now = await waitForTask(this.#transport, submitted.id, { seconds: waitSeconds, signal });
    return submitted.deduplicated ? { ...now, deduplicated: true } : now;
  }

  /** Submits up to 1,000 tasks, all of them or none. @returns in their order */
  async submitBatch(
    tasks: readonly BatchedSubmission[],
    { idempotencyKey = crypto.randomUUID() as string } = {},
  ): Promise<SubmittedTask[]> {
    const headers = { 'idempotency-key': idempotencyKey };
    return this.#items({ method: 'POST', path: `${TASKS}/batch`, body: { tasks }, headers });
  }

  get<T extends Definition>(id: string): Promise<Task<ResultOf<T> | null>>;
  get(id: string): Promise<Task>;
  get(id: string): Promise<Task> {
    return this.#transport.json({ method: 'GET', path: taskPath(id) });
  }

  status(id: string): Promise<TaskStatus> {
    return this.#transport.json({ method: 'GET', path: `${taskPath(id)}/status` });
  }

  /** All tasks that match, the newest first, read page by page. */
  async *tasks(filter: TaskFilter = {}): AsyncGenerator<Task, undefined> {
    let cursor: string | null | undefined;
    do {
      const page = await this.taskPage({ ...filter, limit: PAGE, ...(cursor && { cursor }) });
      yield* page.items;
      cursor = page.next_cursor;
    } while (cursor !== null);
  }

  /** One page of them. @param filter `limit` is 50 when it is not given, 1,000 at most */
  taskPage(
    filter: TaskFilter & { limit?: number; cursor?: string; offset?: number } = {},
  ): Promise<TaskPage> {
    return this.#transport.json({ method: 'GET', path: TASKS, query: { ...filter } });
  }

  /** Runs a task that waits, failed or was cancelled, now. */
  run(id: string): Promise<Task> {
    return this.#transport.json({ method: 'POST', path: `${taskPath(id)}/run` });
  }

  /** Cancels a task. One that is running ends within two seconds. */
  cancel(id: string): Promise<Task> {
    return this.#transport.json({ method: 'POST', path: `${taskPath(id)}/cancel` });
  }

  /** Runs all tasks that match. */
  runAll(filter: BulkFilter): Promise<BulkChange> {
    return this.#transport.json({ method: 'POST', path: `${TASKS}/run`, body: filter });
  }

  /** Cancels all tasks that match. */
  cancelAll(filter: BulkFilter): Promise<BulkChange> {
    return this.#transport.json({ method: 'POST', path: `${TASKS}/cancel`, body: filter });
  }

  /** Deletes a finished task. @returns the whole id */
  async delete(id: string): Promise<string> {
    const call = { method: 'DELETE', path: taskPath(id), repeatable: 'refused' } as const;
    return (await this.#transport.json<{ deleted: string }>(call)).deleted;
  }

  /** Every state change of a task, the oldest first. */
  events(id: string): Promise<StateChange[]> {
    return this.#items({ method: 'GET', path: `${taskPath(id)}/events` });
  }

  attempts(id: string): Promise<Attempt[]> {
    return this.#items({ method: 'GET', path: `${taskPath(id)}/attempts` });
  }

  /** What a task has logged so far. */
  logs(id: string): Promise<LogLine[]> {
    return this.#items({ method: 'GET', path: `${taskPath(id)}/logs` });
  }

  /**
   * Waits for a task to finish, whatever its end.
   * @param options `timeoutSeconds` is for ever when it is not given
   * @throws TaskTimeoutError
   */
  wait<T extends Definition>(id: string, options?: WaitOptions): Promise<Task<ResultOf<T> | null>>;
  wait(id: string, options?: WaitOptions): Promise<Task>;
  async wait(id: string, { timeoutSeconds, signal }: WaitOptions = {}): Promise<Task> {
    const task = await waitForTask(this.#transport, id, { seconds: timeoutSeconds, signal });
    if (isFinished(task.status)) return task;
    throw new TaskTimeoutError(task, timeoutSeconds as number);
  }

  /**
   * What happens to a task, from its beginning on and while it happens: state changes, progress, log lines, and at last
   * `complete`. Connections that break are made anew, and nothing is missed or told twice.
   */
  watch<T extends Definition>(
    id: string,
    options?: WatchOptions,
  ): AsyncGenerator<TaskEvent<ResultOf<T> | null>, undefined>;
  watch(id: string, options?: WatchOptions): AsyncGenerator<TaskEvent, undefined>;
  watch(id: string, options: WatchOptions = {}): AsyncGenerator<TaskEvent, undefined> {
    return watchTask(this.#transport, id, options);
  }

  taskTypes(): Promise<TaskType[]> {
    return this.#items({ method: 'GET', path: '/api/v1/task-types' });
  }

  periodicTasks(): Promise<PeriodicTask[]> {
    return this.#items({ method: 'GET', path: PERIODIC_TASKS });
  }

  /** Runs a periodic task once, now. Its schedule goes on as before. */
  runPeriodic(name: string): Promise<PeriodicTask> {
    // Each time is another run.
    return this.#changePeriodic(name, 'run', 'refused');
  }

  pausePeriodic(name: string): Promise<PeriodicTask> {
    return this.#changePeriodic(name, 'pause', 'always');
  }

  resumePeriodic(name: string): Promise<PeriodicTask> {
    return this.#changePeriodic(name, 'resume', 'always');
  }

  runners(): Promise<Runner[]> {
    return this.#items({ method: 'GET', path: '/api/v1/runners' });
  }

  stats(): Promise<Stats> {
    return this.#transport.json({ method: 'GET', path: '/api/v1/stats' });
  }

  /** How Heddle is. That it is not well is an answer, too. */
  health(): Promise<Health> {
    return this.#transport.json({ method: 'GET', path: '/health', alsoGood: 503 });
  }

  #changePeriodic(name: string, change: string, repeatable: 'always' | 'refused'): Promise<PeriodicTask> {
    const path = `${PERIODIC_TASKS}/${encodeURIComponent(name)}/${change}`;
    return this.#transport.json({ method: 'POST', path, repeatable });
  }

  async #items<Item>(call: Parameters<Transport['json']>[0]): Promise<Item[]> {
    return (await this.#transport.json<{ items: Item[] }>(call)).items;
  }
}

export interface WaitOptions {
  timeoutSeconds?: number | undefined;
  signal?: AbortSignal | undefined;
}

const TASKS = '/api/v1/tasks';
const PERIODIC_TASKS = '/api/v1/periodic-tasks';

/** Of a list that is read to its end. */
const PAGE = 200;

function taskPath(id: string): string {
  return `${TASKS}/${encodeURIComponent(id)}`;
}
