import type { LeaseClock } from '../../workers/protocol.ts';

/** What happens when a lease was not renewed in time. */
export interface LeaseEvents {
  /** Nothing may run any more: others may soon run this runner's tasks. */
  over(reason: string): void;
  /** A little later: from now on others may run them. */
  expired(): void;
}

/**
 * For how long this runner may count itself among the living, by its own monotonic clock. The database grants it:
 * each heartbeat, from the moment it was sent, is good for the lease, after which others take this runner for dead.
 * So here it ends earlier, and what runs is killed by then: no task is ever run by two runners at once.
 *
 * Once over, it stays over.
 */
export class Lease {
  readonly #ms: number;
  readonly #events: LeaseEvents;
  readonly #clock: LeaseClock;
  #over = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param clock tells the threads */
  constructor(leaseMs: number, clock: LeaseClock, events: LeaseEvents) {
    this.#ms = leaseMs;
    this.#clock = clock;
    this.#events = events;
  }

  get over(): boolean {
    return this.#over;
  }

  /** The database has acknowledged a heartbeat. @param sentAt when it was sent, by `performance.now()` */
  renewed(sentAt: number): void {
    if (this.#over) return;
    const leftMs = this.#ms * STOP_AT - (performance.now() - sentAt);
    this.#clock.endsIn(leftMs);
    clearTimeout(this.#timer);
    const reason = `no heartbeat was acknowledged within ${(this.#ms * STOP_AT) / 1000} s`;
    this.#timer = setTimeout(() => this.end(reason), Math.max(0, leftMs));
  }

  /** It is over: also when the database says that others have taken this runner for dead. */
  end(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#clock.endsIn(0);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#events.expired(), this.#ms * (EXPIRE_AT - STOP_AT));
    this.#events.over(reason);
  }

  /** Nothing runs any more, and nothing will: it no longer matters. */
  release(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }
}

/** Killing a thread takes some 40 ms, a frozen machine more. What part of the lease is left is for that. */
const STOP_AT = 0.75;

/** Whatever lives now has to end with the process, which takes a moment as well. */
const EXPIRE_AT = 0.95;
