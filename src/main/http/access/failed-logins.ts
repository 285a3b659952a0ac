import type { Observe } from '../../observe/events.ts';
import { Problem } from '../answers/problem.ts';
import { type Clock, monotonic } from './clock.ts';

/** The failures of an address within a minute, which begins with the first of them. */
interface Failures {
  count: number;
  endsAt: number;
}

export interface FailedLoginOptions {
  clock?: Clock;
  /** Of how many addresses the failures are kept. Beyond that the oldest are forgotten. */
  maxAddresses?: number;
}

/**
 * Who guesses tokens is shut out: an address that fails more than 300 times within a minute gets nothing for the rest
 * of it, also with a right token, since otherwise it could go on guessing.
 */
export class FailedLogins {
  /** In the order in which their minutes end. */
  readonly #byAddress = new Map<string, Failures>();
  readonly #observe: Observe;
  readonly #clock: Clock;
  readonly #maxAddresses: number;

  constructor(observe: Observe, { clock = monotonic, maxAddresses = 10_000 }: FailedLoginOptions = {}) {
    this.#observe = observe;
    this.#clock = clock;
    this.#maxAddresses = maxAddresses;
  }

  /** Of how many addresses failures are kept. */
  get size(): number {
    return this.#byAddress.size;
  }

  /** @throws Problem 429 while the address is shut out */
  demandPatience(address: string): void {
    const failures = this.#byAddress.get(address);
    if (failures === undefined || failures.count <= MOST_FAILURES) return;
    const leftMs = failures.endsAt - this.#clock();
    if (leftMs > 0) throw tooManyFailures(leftMs);
  }

  /** Takes note of a failure. @throws Problem 429 when it was one too many */
  count(address: string): void {
    const failures = this.#failuresOf(address);
    failures.count++;
    if (failures.count <= MOST_FAILURES) return;
    this.#observe({ event: 'address_shut_out', address, failures: failures.count });
    this.demandPatience(address);
  }

  #failuresOf(address: string): Failures {
    const now = this.#clock();
    const known = this.#byAddress.get(address);
    if (known !== undefined && known.endsAt > now) return known;
    this.#makeRoom(now);
    const failures = { count: 0, endsAt: now + WINDOW_MS };
    this.#byAddress.set(address, failures);
    return failures;
  }

  /** Forgets whose minute is over, and beyond the most addresses the oldest. */
  #makeRoom(now: number): void {
    for (const [address, { endsAt }] of this.#byAddress) {
      if (endsAt > now && this.#byAddress.size < this.#maxAddresses) break;
      this.#byAddress.delete(address);
    }
  }
}

const MOST_FAILURES = 300;
const WINDOW_MS = 60_000;

function tooManyFailures(leftMs: number): Problem {
  const detail = `More than ${MOST_FAILURES} requests a minute from this address had no right token.`;
  return new Problem(429, 'too-many-failures', 'Too many failures', detail, {
    headers: { 'Retry-After': String(Math.ceil(leftMs / 1000)) },
  });
}
