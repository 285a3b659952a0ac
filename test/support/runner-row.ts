import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Queryable } from '../../src/main/database/connect.ts';
import { processSpace } from '../../src/main/process-space.ts';

export interface RunnerRow {
  id?: string;
  /** Default: a host that is not this one. */
  host?: string;
  pid?: number;
  status?: string;
  /** For how long it has not been heard of. */
  silentSeconds?: number;
  leaseSeconds?: number;
}

/** Adds a row to `runners`, as a runner's heartbeat would. @returns its id */
export async function addRunnerRow(database: Queryable, row: RunnerRow = {}): Promise<string> {
  const id = row.id ?? randomUUID();
  await database.query(
    `insert into runners (id, host, pid, process_space, version, mode, role, status, last_seen_at, lease_seconds)
     values ($1, $2, $3, $7, '0', 'singleton', 'leader', $4, now() - make_interval(secs => $5), $6)`,
    [
      id,
      row.host ?? `not ${hostname()}`,
      row.pid ?? 1,
      row.status ?? 'active',
      row.silentSeconds ?? 0,
      row.leaseSeconds ?? 8,
      processSpace,
    ],
  );
  return id;
}

/** A runner that is taken to be alive for the next day: an engine may claim for it without a heartbeat. */
export async function addLiveRunner(database: Queryable, id: string): Promise<void> {
  await addRunnerRow(database, { id, leaseSeconds: 86_400 });
}

/** Makes a runner the leader, as an election would. */
export async function makeLeader(database: Queryable, id: string): Promise<void> {
  await database.query(
    `insert into leadership (runner_id, epoch) values ($1, 1)
     on conflict (one) do update set runner_id = $1, epoch = leadership.epoch + 1`,
    [id],
  );
}
