import type { Engine } from './engine/engine.ts';
import type { Observe } from './observe/events.ts';

/** Tells every minute what the runner is doing. */
export class RunnerHeartbeat {
  readonly #engine: Engine;
  readonly #observe: Observe;
  #timer: NodeJS.Timeout | undefined;
  #last = { claimed: 0, settled: 0, stale: 0 };

  constructor(engine: Engine, observe: Observe) {
    this.#engine = engine;
    this.#observe = observe;
  }

  start(): void {
    this.#timer = setInterval(() => this.#tell(), 60_000);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tell(): void {
    const { size, ready, claimed, settled, stale } = this.#engine.state;
    this.#observe({
      event: 'heartbeat',
      threads_busy: this.#engine.threadsBusy,
      threads: size,
      ready,
      claimed: claimed - this.#last.claimed,
      settled: settled - this.#last.settled,
      stale_settles: stale - this.#last.stale,
    });
    this.#last = { claimed, settled, stale };
  }
}
