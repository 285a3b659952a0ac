import { hostname } from 'node:os';
import type { Queryable } from '../database/connect.ts';
import { HAS_SESSION } from '../engine/sql/presence.ts';
import { isAlive } from '../is-alive.ts';
import { processSpace } from '../process-space.ts';

/** Another runner, as its row tells. All but the id is null when its row is gone. */
export interface OtherRunner {
  id: string;
  host: string | null;
  pid: number | null;
  process_space: string | null;
  status: string | null;
  lease_seconds: number | null;
  last_seen_at: string | null;
  silent_seconds: number | null;
}

/** Tells which of the other runners are dead. It has to be asked again and again, because silence takes time to hear. */
export class DeathWatch {
  readonly #database: Queryable;
  readonly #upSeconds: () => number;
  readonly #silences = new Map<string, Silence>();

  /** @param upSeconds for how long this process has been there */
  constructor(database: Queryable, upSeconds: () => number = process.uptime) {
    this.#database = database;
    this.#upSeconds = upSeconds;
  }

  /** Why a runner is dead, in plain words, or null when it may live. */
  async whyDead(runner: OtherRunner): Promise<string | null> {
    const heard = this.#hear(runner);
    const why = whyDeadByItsRow(runner, heard.silenceMs);
    if (why !== null) return why;
    switch (processOf(runner, { host: hostname(), space: processSpace }, isAlive)) {
      case 'ended':
        return 'its process has ended';
      case 'unseen':
        return mayBeFormerSelf(runner, heard.unbrokenMs, this.#upSeconds()) &&
          !(await this.#hasSession(runner))
          ? 'its session has ended'
          : null;
      default:
        return null;
    }
  }

  async #hasSession({ id }: OtherRunner): Promise<boolean> {
    const { rows } = await this.#database.query<{ lives: boolean }>(HAS_SESSION, [id]);
    return rows[0]?.lives === true;
  }

  #hear(runner: OtherRunner): { silenceMs: number; unbrokenMs: number } {
    const { id, last_seen_at } = runner;
    const now = performance.now();
    const before = this.#silences.get(id);
    if (before?.last_seen_at === last_seen_at) {
      if (now - before.lookedAt > heartbeatsMs(runner) / 2) before.unbrokenSince = now;
      before.lookedAt = now;
      return { silenceMs: now - before.since, unbrokenMs: now - before.unbrokenSince };
    }
    this.#silences.delete(id);
    this.#silences.set(id, { last_seen_at, since: now, unbrokenSince: now, lookedAt: now });
    // The one that was heard of the longest ago: as many runners as this never lived at once.
    if (this.#silences.size > MOST_RUNNERS)
      this.#silences.delete(this.#silences.keys().next().value as string);
    return { silenceMs: 0, unbrokenMs: 0 };
  }
}

/** How long a runner has not been heard of. Times are by `performance.now()`. */
interface Silence {
  last_seen_at: string | null;
  /** Since when `last_seen_at` has not changed. */
  since: number;
  /** The same, but for times in which nobody could be heard of: nobody looked, as while the database is away. */
  unbrokenSince: number;
  lookedAt: number;
}

/**
 * It said so, or it has been silent for its lease. That is the database's clock, which can be set: all runners seem
 * silent in the moment that it jumps. So the silence has to have been heard, too, for the time of two heartbeats. One that
 * was heard for the whole lease is enough: when the clock was set back, nobody seems silent for as long as that.
 */
export function whyDeadByItsRow(runner: OtherRunner, heardMs: number): string | null {
  const { status, lease_seconds, silent_seconds } = runner;
  if (lease_seconds === null || silent_seconds === null) return 'nothing is known of it';
  if (status === 'stopped') return 'it has stopped';
  if (status === 'lost') return 'it was lost before';
  const leaseMs = lease_seconds * 1000;
  if (silent_seconds > lease_seconds && heardMs > heartbeatsMs(runner))
    return `it was not heard of for ${silent_seconds.toFixed(1)} s`;
  if (heardMs > leaseMs) return `it was not heard of for ${(heardMs / 1000).toFixed(1)} s`;
  return null;
}

/**
 * Whether a runner of this host whose process cannot be seen may be what this container ran before it was started
 * again: then its session tells. It was not heard of since this process began, nor for the time of two heartbeats in
 * which it could have been. Of another container of this name, which lives and is cut off from the database, the same
 * can hardly be true: that session may break, and it still runs its tasks for most of its lease.
 */
export function mayBeFormerSelf(runner: OtherRunner, unbrokenMs: number, upSeconds: number): boolean {
  return unbrokenMs > heartbeatsMs(runner) && (runner.silent_seconds ?? 0) > upSeconds;
}

/** What can be said of the process of a runner. One of this host may not be seen from here: see `mayBeFormerSelf`. */
export function processOf(
  { host, pid, process_space }: OtherRunner,
  here: { host: string; space: string },
  alive: (pid: number) => boolean,
): 'running' | 'ended' | 'unseen' | 'elsewhere' {
  if (host !== here.host || pid === null) return 'elsewhere';
  if (process_space !== here.space) return 'unseen';
  return pid !== process.pid && alive(pid) ? 'running' : 'ended';
}

const MOST_RUNNERS = 10_000;

/** Two heartbeats, in milliseconds. */
function heartbeatsMs({ lease_seconds }: OtherRunner): number {
  return ((lease_seconds ?? 0) * 1000) / 4;
}
