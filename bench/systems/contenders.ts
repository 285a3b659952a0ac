import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../src/main/package-root.ts';
import type { StoreKind } from './stores.ts';

/** A system that takes part. */
export interface Contender {
  /** How it is named in a command. */
  name: string;
  title: string;
  adapter: URL;
  store: StoreKind;
  /** It needs a newer Node than Heddle does. */
  newerNode?: boolean;
  /** The most tasks in one drain: it would only take longer with more. */
  most: number;
}

export const HEDDLE: Contender = {
  name: 'heddle',
  title: 'Heddle',
  adapter: new URL('./heddle.js', import.meta.url),
  store: 'heddle',
  most: 1_000_000,
};

/** What claims and settles without running anything: no engine, but the most that one could reach with these statements. */
export const SQL_ALONE: Contender = {
  name: 'sql-alone',
  title: "Heddle's statements alone",
  adapter: new URL('./sql-alone.js', import.meta.url),
  store: 'heddle',
  most: 1_000_000,
};

/** Versions are those of `bench/peers/package.json`. */
export const PEERS: readonly Contender[] = [
  peer('graphile-worker-0.17', 'graphile-worker 0.17.3', 'postgres'),
  peer('graphile-worker-0.18', 'graphile-worker 0.18.0', 'postgres', { newerNode: true }),
  peer('pg-boss', 'pg-boss 12.38.0', 'postgres', { newerNode: true }),
  peer('bullmq', 'BullMQ 6.7.0', 'redis'),
  peer('bullmq-sandboxed', 'BullMQ 6.7.0, sandboxed', 'redis', { most: 20_000 }),
  peer('bullmq-postgres', 'BullMQ 6.7.0 on PostgreSQL', 'postgres', { most: 10_000 }),
  peer('dbos', 'DBOS 5.3.0', 'postgres', { most: 4000 }),
];

export const GRAPHILE = PEERS[0] as Contender;
export const SANDBOXED = PEERS.find(({ name }) => name === 'bullmq-sandboxed') as Contender;

/** Those whose names begin with one of these. @throws RangeError when one of them means nobody */
export function peersNamed(beginnings: readonly string[]): Contender[] {
  for (const beginning of beginnings) {
    if (!PEERS.some(({ name }) => name.startsWith(beginning)))
      throw new RangeError(
        `there is no peer ${beginning}; there are ${PEERS.map(({ name }) => name).join(', ')}`,
      );
  }
  return PEERS.filter(({ name }) => beginnings.some((beginning) => name.startsWith(beginning)));
}

function peer(name: string, title: string, store: StoreKind, rest: Partial<Contender> = {}): Contender {
  const adapter = pathToFileURL(join(packageRoot, 'bench', 'peers', `${name}.mjs`));
  return { name, title, adapter, store, most: 1_000_000, ...rest };
}
