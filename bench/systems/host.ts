import { setTimeout as sleep } from 'node:timers/promises';
import { Count } from './count.ts';
import { Pace, type Paced } from './pace.ts';
import type { Open, System, SystemOptions, Task } from './system.ts';

/*
 * A process with one system in it, which does what its parent asks for by the methods of `Host`. What submits is
 * another process than what runs. It may be on a newer Node than its parent, and imports no package.
 */

/** What a parent can ask for. All of it is plain data: it comes and goes as a message. */
export class Host {
  readonly #system: System;
  readonly #count: Count;
  #pace: Pace | undefined;

  constructor(system: System, count: Count) {
    this.#system = system;
    this.#count = count;
  }

  prepare(): Promise<void> {
    return this.#system.prepare();
  }

  submit(tasks: readonly Task[]): Promise<void> {
    return this.#system.submit(tasks);
  }

  /** So many equal tasks, in calls of so many. */
  async submitMany({ task, count, atOnce }: { task: Task; count: number; atOnce: number }): Promise<Spent> {
    const tasks = Array.from({ length: atOnce }, () => task);
    return this.#spent(async () => {
      for (let left = count; left > 0; left -= atOnce) await this.#system.submit(tasks.slice(0, left));
    });
  }

  /** One task a call, so many calls at a time. */
  async submitSingly({
    task,
    count,
    atATime,
  }: {
    task: Task;
    count: number;
    atATime: number;
  }): Promise<Spent> {
    let left = count;
    const submitLeft = async () => {
      while (left-- > 0) await this.#system.submitOne(task);
    };
    return this.#spent(async () => {
      await Promise.all(Array.from({ length: atATime }, submitLeft));
    });
  }

  ready(): Promise<void> {
    return this.#system.ready();
  }

  start(): Promise<void> {
    return this.#system.start();
  }

  /** From its start until it has run so many tasks and its store has none left. */
  async drain(tasks: number): Promise<Spent> {
    return this.#spent(async () => {
      const ended = this.#count.until(tasks);
      await this.#system.start();
      await ended;
      // What it has run, its store may hear of a moment later.
      while ((await this.#system.left()) > 0);
    });
  }

  ended(): number {
    return this.#count.ended;
  }

  /** Resolves when so many tasks have ended since the start. */
  until(tasks: number): Promise<void> {
    return this.#count.until(tasks);
  }

  left(): Promise<number> {
    return this.#system.left();
  }

  /** Of the process, all its threads together, in milliseconds. */
  cpuMs(): number {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  }

  /** Submits no-op tasks at a steady pace until `endPace`. */
  startPace(perSecond: number): void {
    this.#pace = new Pace(perSecond, (tasks) => this.#system.submit(tasks));
  }

  async endPace(): Promise<Paced | undefined> {
    return this.#pace?.end();
  }

  /**
   * Submits tasks that tell when they started, one at a time, with a pause of `pauseMs` to three times that in between.
   * @returns when the call of submit was made for each: nanoseconds of the monotonic clock, as text
   */
  async probe({ from, count, pauseMs }: { from: number; count: number; pauseMs: number }): Promise<string[]> {
    const submittedAt: string[] = [];
    for (let number = from; number < from + count; number++) {
      await sleep(pauseMs * (1 + 2 * Math.random()));
      submittedAt.push(String(process.hrtime.bigint()));
      await this.#system.submitOne({ type: 'record-start', params: { number } });
    }
    return submittedAt;
  }

  starts(): Promise<Record<number, string>> {
    return this.#system.starts();
  }

  stop(): Promise<void> {
    return this.#system.stop();
  }

  async #spent(work: () => Promise<void>): Promise<Spent> {
    const cpuBefore = this.cpuMs();
    const startedAt = performance.now();
    await work();
    return { ms: performance.now() - startedAt, cpuMs: this.cpuMs() - cpuBefore };
  }
}

/** In milliseconds. */
export interface Spent {
  ms: number;
  /** Of the process, all its threads together. */
  cpuMs: number;
}

/** A question: a method of Host, and its argument. */
export interface Asked {
  id: number;
  ask: keyof Host;
  argument: unknown;
}

export interface Answered {
  id: number;
  answer?: unknown;
  error?: string;
}

async function serve(adapter: string, options: SystemOptions): Promise<void> {
  const count = new Count();
  const { open } = (await import(adapter)) as { open: Open };
  const host = new Host(await open(options, () => count.add()), count);
  process.on('message', async ({ id, ask, argument }: Asked) => {
    try {
      const answer = await (host[ask] as (argument: unknown) => unknown).call(host, argument);
      process.send?.({ id, answer } satisfies Answered);
    } catch (error) {
      process.send?.({ id, error: (error as Error).stack ?? String(error) } satisfies Answered);
    }
  });
  process.once('disconnect', () => process.exit());
  process.send?.('ready');
}

const [adapter = '', options = '{}'] = process.argv.slice(2);
await serve(adapter, JSON.parse(options) as SystemOptions);
