import { hostname } from 'node:os';
import type { Queryable } from '../database/connect.ts';
import { HAS_SESSION } from '../engine/sql/presence.ts';
import { isAlive } from '../is-alive.ts';

/** Another runner, as its row tells. All but the id is null when its row is gone. */
export interface OtherRunner {
  id: string;
  host: string | null;
  pid: number | null;
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
    const why = whyDeadByItsRow(runner, this.#heardSilenceMs(runner));
    if (why !== null || !isProcessGone(runner, hostname(), isAlive)) return why;
    const { rows } = await this.#database.query<{ lives: boolean }>(HAS_SESSION, [runner.id]);
    return rows[0]?.lives === true ? null : 'its process has ended';
  }

  #heardSilenceMs({ id, last_seen_at }: OtherRunner): number {
    const now = performance.now();
    const silence = this.#silences.get(id);
    if (silence?.last_seen_at === last_seen_at) return now - silence.since;
    this.#silences.set(id, { last_seen_at, since: now });
    return 0;
  }
}

/**
 * It said so, or it has been silent for its lease. That is the database's clock, which can be set: all runners seem
 * silent in the moment that it jumps. So the silence has to have been heard, too, for the time of two heartbeats. One that
 * was heard for the whole lease is enough: when the clock was set back, nobody seems silent for as long as that.
 */
export function whyDeadByItsRow(
  { status, lease_seconds, silent_seconds }: OtherRunner,
  heardMs: number,
): string | null {
  if (lease_seconds === null || silent_seconds === null) return 'nothing is known of it';
  if (status === 'stopped') return 'it has stopped';
  if (status === 'lost') return 'it was lost before';
  const leaseMs = lease_seconds * 1000;
  if (silent_seconds > lease_seconds && heardMs > leaseMs / 4)
    return `it was not heard of for ${silent_seconds.toFixed(1)} s`;
  if (heardMs > leaseMs) return `it was not heard of for ${(heardMs / 1000).toFixed(1)} s`;
  return null;
}

/**
 * Whether it was a process of this host that is no more. One with our own pid is a former one: containers give every
 * start the same. Alone this is no proof: two containers can have one host name, and do not see each other's
 * processes. Then the other one's session lives.
 */
export function isProcessGone(
  { host, pid }: OtherRunner,
  here: string,
  alive: (pid: number) => boolean,
): boolean {
  return host === here && pid !== null && (pid === process.pid || !alive(pid));
}
