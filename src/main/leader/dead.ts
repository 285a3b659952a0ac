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
  /** When each runner was last seen, and since when that has not changed, by `performance.now()`. */
  readonly #silences = new Map<string, { last_seen_at: string | null; since: number }>();

  constructor(database: Queryable) {
    this.#database = database;
  }

  /** Why a runner is dead, in plain words, or null when it may live. */
  async whyDead(runner: OtherRunner): Promise<string | null> {
    const silenceMs = this.#heardSilenceMs(runner);
    const why = whyDeadByItsRow(runner, silenceMs);
    if (why !== null) return why;
    switch (processOf(runner, { host: hostname(), space: processSpace }, isAlive)) {
      case 'ended':
        return 'its process has ended';
      case 'unseen':
        return silenceMs > heartbeatsMs(runner) && !(await this.#hasSession(runner))
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

  #heardSilenceMs({ id, last_seen_at }: OtherRunner): number {
    const now = performance.now();
    const silence = this.#silences.get(id);
    if (silence?.last_seen_at === last_seen_at) return now - silence.since;
    this.#silences.delete(id);
    this.#silences.set(id, { last_seen_at, since: now });
    // The one that was heard of the longest ago: as many runners as this never lived at once.
    if (this.#silences.size > MOST_RUNNERS)
      this.#silences.delete(this.#silences.keys().next().value as string);
    return 0;
  }
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
 * What can be said of the process of a runner. One of this host that cannot be seen from here is in another container
 * of this name, or this one's own before it was started again: its session tells, together with its silence, because a
 * session can break.
 */
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
