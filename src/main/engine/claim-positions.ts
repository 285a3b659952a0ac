import type { Wanted } from './claim.ts';
import type { ClaimedTask } from './claimed-task.ts';

/** Where a claim looks for tasks of a type. */
export interface Probe {
  /** Priorities beyond it, up to `high`, which is not meant either. With `age` just this one. */
  low: number;
  high: number;
  /** Only what has been due for no longer than so many seconds; null: all that is due. */
  age: number | null;
}

/**
 * How far a runner has come in the queues of its types.
 *
 * While somebody keeps a transaction open, PostgreSQL cannot clean up the index entries of what has been claimed since:
 * they all stand before what is queued, and a claim from the front walks past each. So when such claims take long, most go
 * on from where the last one ended. A tenth of the time is left for claims from the front, which find what has come
 * behind that: tasks that were given back, and those of transactions that took long to commit.
 *
 * Per priority, and between those that it knows a claim looks at everything: an urgent task waits for nobody.
 */
export class ClaimPositions {
  readonly #slowMs: number;
  /** By `performance.now()`. */
  #nextFromFront = Number.NEGATIVE_INFINITY;
  /** Of each type, by priority: when the youngest that was claimed became due, by `performance.now()`. */
  readonly #dueAt = new Map<string, Map<number, number>>();

  /** @param slowMs how long a claim from the front may take that finds nothing */
  constructor(slowMs = SLOW_MS) {
    this.#slowMs = slowMs;
  }

  /** Whether the next claim is to look at everything. */
  isFromFront(now: number): boolean {
    return now >= this.#nextFromFront;
  }

  /** Where else to look for tasks of a type. */
  probes({ type }: Pick<Wanted, 'type'>, now: number): Probe[] {
    const known = [...(this.#dueAt.get(type) ?? [])].sort(([a], [b]) => a - b);
    const probes: Probe[] = [];
    let low = BELOW_ALL;
    for (const [priority, dueAt] of known) {
      probes.push({ low, high: priority, age: null });
      probes.push({ low: priority, high: priority, age: (now - dueAt + COMMIT_MS) / 1000 });
      low = priority;
    }
    probes.push({ low, high: ABOVE_ALL, age: null });
    return probes;
  }

  /** Takes note of what a claim has taken: of each type and priority those that were due first. */
  note(tasks: readonly ClaimedTask[]): void {
    for (const { type, priority, claimed_at, waited_ms } of tasks) {
      const ofType = this.#dueAt.get(type) ?? new Map<number, number>();
      this.#dueAt.set(type, ofType);
      ofType.set(
        priority,
        Math.max(ofType.get(priority) ?? Number.NEGATIVE_INFINITY, claimed_at - waited_ms),
      );
    }
  }

  /** Takes note of how long a claim from the front took that ended now. */
  noteFromFront(tookMs: number, found: number, now: number): void {
    const isSlow = tookMs > this.#slowMs + found * EACH_MS;
    this.#nextFromFront = isSlow ? now + Math.min(REST * tookMs, MOST_REST_MS) : now;
  }
}

/** Priorities go from -100 to 100. */
const BELOW_ALL = -101;
const ABOVE_ALL = 101;

/** From when a task is due, by the clock of its transaction, to when it can be seen: a commit that takes longer waits. */
const COMMIT_MS = 200;

/** A claim that takes longer than this, and than so much for each task that it finds, has walked. */
const SLOW_MS = 50;
const EACH_MS = 0.05;

/** How much longer than a slow claim those that go on from it have. */
const REST = 9;
const MOST_REST_MS = 5000;
