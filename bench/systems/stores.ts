import pg from 'pg';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../../test/support/database.ts';
import { ServerCpu } from '../support/server-cpu.ts';
import { RedisServer } from './redis.ts';

/** Where a system keeps its tasks. */
export interface Store {
  url: string;
  /** CPU of the server, all its processes together, since its start. */
  cpuMs(): number;
  /** What its server would do some time later, it does now. */
  tidy(): Promise<void>;
  drop(): Promise<void>;
}

/** `heddle` is a database with Heddle's schema, `postgres` an empty one, both on the one server of this run. */
export type StoreKind = 'heddle' | 'postgres' | 'redis';

export async function openStore(kind: StoreKind): Promise<Store> {
  if (kind === 'redis') return RedisServer.start();
  return toStore(await (kind === 'heddle' ? createTestDatabase() : createEmptyDatabase()));
}

async function toStore({ url, drop }: TestDatabase): Promise<Store> {
  const cpu = await ServerCpu.of(url);
  return {
    url,
    cpuMs: () => cpu.ms(),
    async tidy() {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query('vacuum analyze');
      await client.query('checkpoint');
      await client.end();
    },
    drop,
  };
}
