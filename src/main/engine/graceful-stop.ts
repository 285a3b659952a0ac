import type { Observe } from '../observe/events.ts';
import type { Engine } from './engine.ts';

/**
 * Stops an engine in three stages: no more claims, and what runs may finish for the first 60 % of the grace; then the
 * attempts' signals are aborted; shortly before the grace ends they are killed, and given back.
 */
export class GracefulStop {
  readonly #engine: Engine;
  readonly #graceMs: number;
  readonly #observe: Observe;
  #next: () => void = () => {};
  #hurried = false;

  constructor(engine: Engine, graceMs: number, observe: Observe) {
    this.#engine = engine;
    this.#graceMs = graceMs;
    this.#observe = observe;
  }

  /** Resolves when every attempt is settled and every thread has ended. */
  async run(signal: string): Promise<void> {
    const engine = this.#engine;
    const tell = (stage: 'claims' | 'abort' | 'kill') =>
      this.#observe({ event: 'stopping', signal, stage, running: engine.running });
    tell('claims');
    await engine.drain();
    await this.#idleFor(this.#graceMs * 0.6);
    if (engine.running > 0) {
      tell('abort');
      engine.abort();
      await this.#idleFor(this.#graceMs * 0.3);
    }
    if (engine.running > 0) tell('kill');
    await engine.stop();
  }

  /** Goes to the next stage at once: somebody has asked again. */
  hurry(): void {
    this.#hurried = true;
    this.#next();
  }

  async #idleFor(milliseconds: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, milliseconds);
      this.#next = resolve;
    });
    if (!this.#hurried) await Promise.race([this.#engine.idle(), over]);
    this.#hurried = false;
    clearTimeout(timer);
  }
}
