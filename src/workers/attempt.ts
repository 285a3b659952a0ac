import { AsyncLocalStorage } from 'node:async_hooks';
import type { AbortReason, AttemptOrder, ErrorRecord, FromThread } from './protocol.ts';
import { REPAIRED, storableJson } from './report.ts';
import { redactAll, redactError, redactLine, secretTexts } from './shared/redact.ts';

const scopes = new AsyncLocalStorage<AttemptScope | 'loading'>();

/** The attempt in whose asynchronous context this is called: also long after it has ended. */
export function currentAttempt(): AttemptScope | null {
  const scope = scopes.getStore();
  return scope === undefined || scope === 'loading' ? null : scope;
}

/** Loads a module. What it starts of its own belongs to no attempt, not even to the one that waits for it. */
export function loading<T>(load: () => T): T {
  return scopes.run('loading', load);
}

/** Whether this is called by something that a module started when it was loaded. */
export function isModulesOwn(): boolean {
  return scopes.getStore() === 'loading';
}

/** What an attempt needs of its thread. */
interface Voice {
  tell(message: FromThread): void;
}

/** One attempt in its thread: whether it was aborted or has crashed, and what it says while it runs. */
export class AttemptScope {
  readonly order: AttemptOrder;
  /** When it began, by `performance.now()`, not counting that its thread had to load the task type first. */
  startedAt = performance.now();
  /** The task has called `complete`. */
  settledByTask = false;
  /** The error that nobody caught, if there was one. */
  crashed: ErrorRecord | null = null;
  readonly thread: Voice;
  #abortReason: AbortReason | null = null;
  #controller: AbortController | undefined;
  #onCrash: ((error: ErrorRecord) => void) | undefined;
  #lines = 0;
  /** What must not be written down. */
  #secrets: readonly string[] = [];

  constructor(order: AttemptOrder, thread: Voice) {
    this.order = order;
    this.thread = thread;
  }

  /** Runs `work` so that everything it starts, however late it calls back, is known to be this attempt's. */
  run<T>(work: () => T): T {
    return scopes.run(this, work);
  }

  /** Made at first use: most short tasks never look at it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abortReason !== null) this.#controller.abort(abortError(this.#abortReason));
    }
    return this.#controller.signal;
  }

  abort(reason: AbortReason): void {
    this.#abortReason ??= reason;
    this.#controller?.abort(abortError(this.#abortReason));
  }

  /** @throws the reason for the abort, if there was one */
  throwIfAborted(): void {
    if (this.#abortReason !== null) throw abortError(this.#abortReason);
  }

  /** From now on these are `[secret]` in what the attempt says. @param values of its secret params */
  keepSecret(values: readonly string[]): void {
    this.#secrets = secretTexts(values);
  }

  /** A text without secrets. */
  redact(text: string): string {
    return redactAll(text, this.#secrets);
  }

  /** An error without secrets. */
  redactError(error: ErrorRecord): ErrorRecord {
    return redactError(error, this.#secrets);
  }

  /** The first crash counts. */
  crash(error: ErrorRecord): void {
    this.crashed ??= this.redactError(error);
    this.#onCrash?.(this.crashed);
  }

  /**
   * Resolves with what `work` does, or with what it means that it failed; or, as soon as an error that nobody caught
   * ends the attempt, with what that means.
   */
  orCrash<T>(
    work: Promise<T>,
    failed: (thrown: unknown) => T,
    crashed: (error: ErrorRecord) => T,
  ): Promise<T> {
    return new Promise((resolve) => {
      this.#onCrash = (error) => resolve(crashed(error));
      work.then(resolve, (thrown) => resolve(failed(thrown)));
    });
  }

  /** A pino line, to be kept with the task. What does not fit is marked, not dropped silently. */
  keepLine(line: string): void {
    this.#lines++;
    if (this.#lines > MAX_LINES) return;
    if (this.#lines === MAX_LINES)
      this.#say({ level: WARN, msg: `more than ${MAX_LINES} lines: the rest is not kept` });
    else if (line.length > MAX_LINE_LENGTH) {
      this.#say({
        level: WARN,
        msg: `a line of ${line.length} characters, of which ${MAX_LINE_LENGTH} are kept: ${line.slice(0, MAX_LINE_LENGTH)}`,
      });
    } else this.#tell(line);
  }

  /** A warning of the engine's own among the task's lines. */
  warn(message: string, fields: Record<string, unknown> = {}): void {
    this.#say({ level: WARN, ...fields, msg: message });
  }

  /** An error of this attempt that came up after it had ended. */
  keepLateError(kind: string, error: ErrorRecord): void {
    this.#say({ level: ERROR, err: error, msg: `${kind}, after the attempt had ended: ${error.message}` });
  }

  #say(line: Record<string, unknown>): void {
    const { taskId: task_id, type: task_type, attempt } = this.order;
    this.#tell(`${JSON.stringify({ time: Date.now(), task_id, task_type, attempt, ...line })}\n`);
  }

  #tell(line: string): void {
    const { text, repaired } = storableJson(redactLine(line, this.#secrets));
    const { taskId, claimToken } = this.order;
    this.thread.tell({ say: 'log', taskId, claimToken, line: text });
    if (repaired) this.warn(REPAIRED('a log line'));
  }
}

const WARN = 40;
const ERROR = 50;
const MAX_LINES = 1000;
const MAX_LINE_LENGTH = 16_384;

function abortError(reason: AbortReason): Error {
  return new DOMException(ABORTED[reason], 'AbortError');
}

const ABORTED: Record<AbortReason, string> = {
  timeout: 'the attempt is at its timeout',
  cancel: 'the task was cancelled',
  stop: 'the runner is stopping',
};
