import { setTimeout as sleep } from 'node:timers/promises';
import type { Hosted } from './hosted.ts';

/** Keeps so many no-op tasks queued, or a few more, by what a runner says that it has ended. */
export class Feed {
  readonly #caller: Hosted;
  readonly #runner: Hosted;
  readonly #least: number;
  readonly #ended: Promise<void>;
  #on = true;

  constructor(caller: Hosted, runner: Hosted, least: number) {
    this.#caller = caller;
    this.#runner = runner;
    this.#least = least;
    this.#ended = this.#run();
    this.#ended.catch(() => {}); // Told by `end`.
  }

  /** @throws Error why it has ended before */
  async end(): Promise<void> {
    this.#on = false;
    await this.#ended;
  }

  async #run(): Promise<void> {
    const task = { type: 'no-op', params: {} } as const;
    for (let submitted = await this.#runner.ask('ended'); this.#on; ) {
      if (submitted - (await this.#runner.ask('ended')) < this.#least) {
        await this.#caller.ask('submitMany', { task, count: AT_ONCE, atOnce: AT_ONCE });
        submitted += AT_ONCE;
      } else await sleep(LOOK_MS);
    }
  }
}

const AT_ONCE = 2000;
const LOOK_MS = 5;
