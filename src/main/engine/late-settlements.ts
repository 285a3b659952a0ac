import type { Settlement } from './settlement.ts';

/**
 * Settlements that could not be written together with all others, each until it is written or given up. They are tried
 * for again and again, and nobody else waits for them.
 */
export class LateSettlements {
  readonly #again: (settlement: Settlement) => void;
  readonly #known = new Map<string, Late>();
  /** Callers of `none`. */
  readonly #callers: (() => void)[] = [];
  #givesUp = false;

  /** @param again is to try for one again */
  constructor(again: (settlement: Settlement) => void) {
    this.#again = again;
  }

  /** The claim tokens of those there are. */
  get tokens(): string[] {
    return [...this.#known.keys()];
  }

  /** Whether those that fail once more are no longer late but given up. */
  get givesUp(): boolean {
    return this.#givesUp;
  }

  /** It is late from now on, and tried for at once. */
  add(settlement: Settlement): void {
    this.#of(settlement);
    this.#again(settlement);
  }

  /** It is tried for by itself, which can take long. */
  tryAlone(settlement: Settlement): void {
    this.#of(settlement).alone = true;
  }

  /**
   * It has failed, and is tried for again.
   * @param pauseMs when, given how often it was put off before
   */
  putOff(settlement: Settlement, pauseMs: (before: number) => number): void {
    if (this.#givesUp) {
      this.done(settlement);
      return;
    }
    const late = this.#of(settlement);
    late.alone = false;
    late.timer = setTimeout(
      () => {
        late.timer = undefined;
        this.#again(settlement);
      },
      pauseMs(late.putOff++),
    );
  }

  /** It is written, or there is nothing to write any more. */
  done({ task }: Settlement): void {
    if (this.#known.size === 0) return; // As always, but for a few moments.
    this.#known.delete(task.claim_token);
    this.#tellCallers();
  }

  /** Gives up those that wait or are tried for by themselves, and from now on those that fail. */
  giveUp(): void {
    this.#givesUp = true;
    for (const [token, { timer, alone }] of this.#known) {
      if (timer === undefined && !alone) continue;
      clearTimeout(timer);
      this.#known.delete(token);
    }
    this.#tellCallers();
  }

  /** Resolves when there is none. */
  async none(): Promise<void> {
    while (this.#known.size > 0) await new Promise<void>((resolve) => this.#callers.push(resolve));
  }

  #of({ task }: Settlement): Late {
    const late = this.#known.get(task.claim_token) ?? { putOff: 0, timer: undefined, alone: false };
    this.#known.set(task.claim_token, late);
    return late;
  }

  #tellCallers(): void {
    for (const resolve of this.#callers.splice(0)) resolve();
  }
}

interface Late {
  /** How often it was put off. */
  putOff: number;
  /** While it waits. */
  timer: NodeJS.Timeout | undefined;
  alone: boolean;
}
