import { createRequire } from 'node:module';
import type { MessagePort } from 'node:worker_threads';
import type { Logger } from 'pino';
import { type AttemptScope, currentAttempt, isModulesOwn } from './attempt.ts';
import type { TaskFiles } from './load-tasks.ts';
import {
  type AttemptOrder,
  type BootOrder,
  type Dirt,
  type FromThread,
  LeaseClock,
  type ThreadRequest,
  type ToThread,
} from './protocol.ts';
import { toErrorRecord } from './report.ts';
import { sendSpans } from './shared/tracing.ts';
import { TaskDatabase } from './task-database.ts';

const require = createRequire(import.meta.url);

/** What lives as long as the thread does: the line to the main thread, the task files, the pool, the logger. */
export class Thread {
  readonly files: TaskFiles;
  /** Until when anything may start here. */
  readonly lease: LeaseClock;
  readonly #port: MessagePort;
  readonly #order: BootOrder;
  readonly #replies = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #requests = 0;
  #attempt: AttemptScope | null = null;
  #database: TaskDatabase | undefined;
  #logger: Logger | undefined;
  /** What is running that no attempt has left behind. */
  #resources: string[] = [];
  #dirty: Dirt | null = null;

  constructor(order: BootOrder, files: TaskFiles) {
    this.#order = order;
    this.#port = order.port;
    this.files = files;
    this.lease = new LeaseClock(order.lease);
    this.#port.on('message', (message: ToThread) => this.#hear(message));
    process.on('uncaughtException', (error) => this.#crash('uncaught', error));
    process.on('unhandledRejection', (reason) => this.#crash('unhandled rejection', reason));
    this.#refuseLateExits();
  }

  /** An error that came up while the thread was idle: it has to be replaced before it runs anything. */
  get dirty(): Dirt | null {
    return this.#dirty;
  }

  /** The attempt that is running now hears of aborts, and takes the blame for errors that have no other owner. */
  begin(attempt: AttemptScope): void {
    this.#attempt = attempt;
  }

  /** What runs now stays, such as what a module started when it was loaded. What comes from now on is the attempt's. */
  takeStock(): void {
    this.#resources = process.getActiveResourcesInfo();
  }

  tell(message: FromThread): void {
    this.#port.postMessage(message);
  }

  /** Asks the main thread for something and waits for the answer. */
  request(claimToken: string, request: ThreadRequest): Promise<unknown> {
    const id = this.#requests++;
    return new Promise((resolve, reject) => {
      this.#replies.set(id, { resolve, reject });
      this.tell({ say: 'request', id, claimToken, request });
    });
  }

  /** Made at first use: most threads never need a pool, and loading pg costs time and memory. */
  get database(): TaskDatabase {
    this.#database ??= new TaskDatabase(this.#order.databaseUrl, this.lease);
    return this.#database;
  }

  /** Whether the attempt still holds anything of the database. */
  get holdsDatabase(): boolean {
    return this.#database?.isHeld === true;
  }

  /** Ends what the attempt still holds of the database: its transactions roll back, its statements do not go on. */
  async releaseDatabase({ order }: AttemptScope): Promise<void> {
    const held = await this.#database?.releaseHeld();
    // A statement that was sent runs on, and commits, although nobody listens any more.
    if (held) await this.request(order.claimToken, { do: 'end-connections' });
  }

  /** Lines go to the attempt in whose asynchronous context they are written. */
  get logger(): Logger {
    this.#logger ??= (require('pino') as typeof import('pino')).pino(
      { level: this.#order.logLevel, base: {} },
      { write: (line: string) => currentAttempt()?.keepLine(line) },
    );
    return this.#logger;
  }

  /** The last attempt has left nothing running. Else it has to be waited for: `leftBehind`. */
  isAsBefore(): boolean {
    const now = process.getActiveResourcesInfo();
    if (this.#dirty !== null || beyond(this.#resources, now).length > 0) return false;
    this.#resources = now;
    this.#attempt = null;
    return true;
  }

  /** What the last attempt left running, or null when the thread is as it was after a moment. */
  async leftBehind(): Promise<Dirt | null> {
    const order = this.#attempt?.order;
    this.#attempt = null;
    let left = await this.#stillRunning();
    // It may be spans on their way, which are the SDK's and not the attempt's.
    if (left.length > 0 && this.#dirty === null && (await sendSpans(SPANS_MS)))
      left = await this.#stillRunning();
    if (this.#dirty !== null || left.length === 0) return this.#dirty;
    return { reason: `something running (${left.join(', ')})`, ...ownerOf(order) };
  }

  /** What the attempt has started and still runs. Something that is just ending, such as a closing socket, gets a moment. */
  async #stillRunning(): Promise<string[]> {
    for (let turn = 0; ; turn++) {
      const left = beyond(this.#resources, process.getActiveResourcesInfo());
      if (left.length === 0 || turn === GRACE_TURNS - 1 || this.#dirty !== null) return left;
      await new Promise((resolve) => setTimeout(resolve, 1 << turn).unref());
    }
  }

  #hear(message: ToThread): void {
    if (message.say === 'abort') {
      if (this.#attempt?.order.claimToken === message.claimToken) this.#attempt.abort(message.reason);
      return;
    }
    const waiting = this.#replies.get(message.id);
    this.#replies.delete(message.id);
    if (message.ok) waiting?.resolve(message.value);
    else waiting?.reject(Object.assign(new Error(message.error.message), { name: message.error.name }));
  }

  /**
   * An error that nobody caught. The asynchronous context it comes from tells whose it is: a timer that an earlier
   * attempt left behind must not fail the one that runs now.
   */
  #crash(kind: 'uncaught' | 'unhandled rejection', thrown: unknown): void {
    const owner = isModulesOwn() ? null : (currentAttempt() ?? this.#attempt);
    const error = toErrorRecord(thrown);
    const told = owner?.redact(error.message) ?? error.message;
    this.#dirty ??= { reason: `an error that nobody caught (${told})`, ...ownerOf(owner?.order) };
    if (owner === null) return;
    if (owner === this.#attempt) owner.crash({ ...error, message: `${kind}: ${error.message}` });
    else owner.keepLateError(kind, error);
  }

  /** An exit that an earlier attempt left behind must not take the one that runs now with it: it is an error. */
  #refuseLateExits(): void {
    const exit = process.exit;
    process.exit = (code) => {
      const owner = currentAttempt();
      if (owner === null || owner === this.#attempt) exit(code);
      throw new Error(`process.exit(${code ?? ''}) is too late`);
    };
  }
}

function ownerOf(order: AttemptOrder | undefined): Pick<Dirt, 'taskType' | 'taskId'> {
  return { taskType: order?.type ?? null, taskId: order?.taskId ?? null };
}

/** The main thread takes a thread in which nothing runs for a second for one that hangs. */
const SPANS_MS = 500;

/** 1 + 2 + 4 + 8 + 16 ms. */
const GRACE_TURNS = 6;

function beyond(before: readonly string[], now: readonly string[]): string[] {
  const known = [...before];
  return now.filter((resource) => {
    const at = known.indexOf(resource);
    if (at === -1) return !PASSING.has(resource);
    known.splice(at, 1);
    return false;
  });
}

/** Resources of Node's own that end by themselves and run nobody's code. */
const PASSING = new Set(['CloseReq', 'Immediate']);
