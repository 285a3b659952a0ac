import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Answered, Asked, Host } from './host.ts';
import type { SystemOptions } from './system.ts';

/** A system in a process of its own. It ends when this one does. */
export class Hosted {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #waiting = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>();
  #asked = 0;

  /** @param node the program that runs it */
  static async start(adapter: URL, options: SystemOptions, node = process.execPath): Promise<Hosted> {
    const child = fork(HOST, [adapter.href, JSON.stringify(options)], {
      execPath: node,
      execArgv: ['--no-warnings'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const hosted = new Hosted(child);
    await Promise.race([once(child, 'message'), hosted.#ended.then(() => hosted.#fail())]);
    child.on('message', (message) => hosted.#hear(message as Answered));
    return hosted;
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, 'exit');
    void this.#ended.then(() => this.#failAll());
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** @throws Error what the method throws, or that the process has ended, or that it takes too long */
  ask<Name extends keyof Host>(
    ask: Name,
    ...argument: Parameters<Host[Name]>
  ): Promise<Awaited<ReturnType<Host[Name]>>> {
    const id = this.#asked++;
    return new Promise((resolve, reject) => {
      const tooLong = () => reject(new Error(`it took longer than ${ANSWER_MS / 60_000} minutes to ${ask}`));
      const timer = setTimeout(tooLong, ANSWER_MS).unref();
      this.#waiting.set(id, {
        resolve(answer) {
          clearTimeout(timer);
          resolve(answer as Awaited<ReturnType<Host[Name]>>);
        },
        reject,
      });
      this.#child.send({ id, ask, argument: argument[0] } satisfies Asked, (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  /** Whatever it does: what it has in its store goes with that. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #hear({ id, answer, error }: Answered): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(answer);
    else waiting?.reject(new Error(error));
  }

  #failAll(): void {
    for (const { reject } of this.#waiting.values()) {
      try {
        this.#fail();
      } catch (error) {
        reject(error as Error);
      }
    }
    this.#waiting.clear();
  }

  #fail(): never {
    const { exitCode, signalCode } = this.#child;
    throw new Error(`${this.#child.spawnargs[2]} ended with ${exitCode ?? signalCode}`);
  }
}

/** A drain takes half a minute at the most. */
const ANSWER_MS = 180_000;
const HOST = new URL('./host.js', import.meta.url);
