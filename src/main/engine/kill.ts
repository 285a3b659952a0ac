import type { KillCause, Observe } from '../observe/events.ts';
import type { TaskThread } from './task-thread.ts';

/**
 * A killed thread that still lives after a while is in a native call: it is told of, and at last given up, both in
 * milliseconds after its kill.
 */
export interface StuckLimits {
  told: number;
  givenUp: number;
}

/** Why a thread is killed: in a word, and in a sentence. */
export interface Kill {
  cause: KillCause;
  reason: string;
}

/** The task that a thread runs, to be told of with it. */
export interface KilledTask {
  id: string;
  type: string;
}

/** Kills threads, each once, and keeps account of those that do not die. */
export class Killer {
  readonly #limits: StuckLimits;
  readonly #onGivenUp: () => void;
  readonly #observe: Observe;
  /** Threads that were told to die, or are about to: none of them ever runs anything again. */
  readonly #told = new WeakSet<TaskThread>();
  readonly #late = new Set<TaskThread>();
  readonly #stuck = new Set<TaskThread>();

  constructor(limits: StuckLimits, onGivenUp: () => void, observe: Observe) {
    this.#limits = limits;
    this.#onGivenUp = onGivenUp;
    this.#observe = observe;
  }

  /** Threads of which it was told that they do not die: they may yet. */
  get late(): ReadonlySet<TaskThread> {
    return this.#late;
  }

  /** Threads that are given up: they were killed long ago and still live. What they run can only end with the process. */
  get stuck(): ReadonlySet<TaskThread> {
    return this.#stuck;
  }

  hasTold(thread: TaskThread): boolean {
    return this.#told.has(thread);
  }

  /** The thread dies anyway: that it did is no news. */
  expect(thread: TaskThread): void {
    this.#told.add(thread);
  }

  /** Resolves when the thread has exited, however late. @param task what it runs */
  async kill(thread: TaskThread, { cause, reason }: Kill, task: KilledTask | null): Promise<void> {
    this.#told.add(thread);
    const killedAt = performance.now();
    const sinceKill = () => performance.now() - killedAt;
    const late = setTimeout(() => this.#tellLate(thread, task, sinceKill()), this.#limits.told);
    const tooLate = setTimeout(() => this.#giveUp(thread), this.#limits.givenUp);
    await thread.kill(reason);
    clearTimeout(late);
    clearTimeout(tooLate);
    this.#late.delete(thread);
    this.#stuck.delete(thread);
    this.#observe({
      event: 'thread_killed',
      thread_id: thread.id,
      ...fieldsOf(task),
      cause,
      reason,
      exit_ms: sinceKill(),
    });
  }

  #tellLate(thread: TaskThread, task: KilledTask | null, for_ms: number): void {
    this.#late.add(thread);
    this.#observe({ event: 'thread_stuck', thread_id: thread.id, ...fieldsOf(task), for_ms });
  }

  #giveUp(thread: TaskThread): void {
    this.#stuck.add(thread);
    this.#onGivenUp();
  }
}

function fieldsOf(task: KilledTask | null): { task_id: string | null; task_type: string | null } {
  return { task_id: task?.id ?? null, task_type: task?.type ?? null };
}
