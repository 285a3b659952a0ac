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

/** Why a runner is dead, in plain words, or null when it may live. */
export async function whyDead(database: Queryable, runner: OtherRunner): Promise<string | null> {
  const why = whyDeadByItsRow(runner);
  if (why !== null || !isProcessGone(runner, hostname(), isAlive)) return why;
  const { rows } = await database.query<{ lives: boolean }>(HAS_SESSION, [runner.id]);
  return rows[0]?.lives === true ? null : 'its process has ended';
}

/** It said so, or it has been silent for its lease. */
export function whyDeadByItsRow({ status, lease_seconds, silent_seconds }: OtherRunner): string | null {
  if (lease_seconds === null || silent_seconds === null) return 'nothing is known of it';
  if (status === 'stopped') return 'it has stopped';
  if (status === 'lost') return 'it was lost before';
  if (silent_seconds > lease_seconds) return `it was not heard of for ${silent_seconds.toFixed(1)} s`;
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
