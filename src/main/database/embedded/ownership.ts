import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { isAlive } from '../../is-alive.ts';
import type { Observe } from '../../observe/events.ts';
import { describe } from '../errors.ts';
import type { DataDir } from './data-dir.ts';
import { EmbeddedDatabaseError } from './error.ts';

/** Holding the server means that no other start may use it. */
export interface Ownership {
  /** Runs `last` while nobody else can have the server yet, then lets go of it. */
  release(last: () => Promise<void>): Promise<void>;
}

/**
 * Makes this process the server's owner, by a lock that the server itself lets go when the owner dies. The lock comes
 * back by itself after a crash inside the server. Does not keep the process running.
 * @param url of the maintenance database, which nobody drops
 * @throws EmbeddedDatabaseError when another process owns it
 */
export async function own(url: string, dataDir: DataDir, observe: Observe): Promise<Ownership> {
  let released = false;
  let client = hold(await lock(url, dataDir));

  function hold(locked: pg.Client): pg.Client {
    locked.on('error', (error) => {
      if (!released)
        observe({ event: 'database_error', during: 'owning the embedded database', ...describe(error) });
    });
    locked.once('end', () => void regain());
    (locked as pg.Client & { unref(): void }).unref();
    return locked;
  }

  async function regain(): Promise<void> {
    while (!released) {
      await sleep(REGAIN_EVERY_MS, undefined, { ref: false });
      // Failing is expected until the server has recovered; if it never does, every query of Heddle tells.
      const locked = await lock(url, dataDir).catch(() => undefined);
      if (locked === undefined) continue;
      client = hold(locked);
      if (released) await client.end();
      return;
    }
  }

  return {
    async release(last) {
      released = true;
      try {
        await last();
      } finally {
        await client.end();
      }
    },
  };
}

const REGAIN_EVERY_MS = 250;
/** After its owner's death the server needs a moment to notice. */
const PATIENCE_MS = 3000;
const POLL_MS = 20;

/** "Hedd", "emb": any two numbers nobody else uses in a database of our own. */
const KEY = [0x48656464, 0x656d62];

/** Never waits for the lock: a second start says what is wrong at once. */
const TRY_LOCK = 'select pg_try_advisory_lock($1, $2) as locked';

/** A lock of two numbers shows them as classid and objid. */
const HOLDER = `
  select a.application_name as name
  from pg_locks l join pg_stat_activity a using (pid)
  where l.locktype = 'advisory' and l.classid = $1 and l.objid = $2 and l.granted`;

async function lock(url: string, dataDir: DataDir): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: `heddle start ${process.pid}`,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  });
  // Until it is held, a failure shows in the query that it breaks.
  client.on('error', () => {});
  try {
    await client.connect();
    await takeLock(client, dataDir);
    return client;
  } catch (error) {
    await client.end();
    throw error;
  }
}

async function takeLock(client: pg.Client, dataDir: DataDir): Promise<void> {
  const startedAt = performance.now();
  for (;;) {
    const { rows } = await client.query<{ locked: boolean }>(TRY_LOCK, KEY);
    if (rows[0]?.locked) return;
    const holder = (await client.query<{ name: string }>(HOLDER, KEY)).rows[0]?.name ?? '';
    if (isHeldByLiving(holder) || performance.now() - startedAt > PATIENCE_MS) {
      throw new EmbeddedDatabaseError(
        `another ${holder.replace(NAME, 'heddle start (pid $1)')} is using ${dataDir.path}; stop it, or set HEDDLE_DATA_DIR or DATABASE_URL`,
      );
    }
    await sleep(POLL_MS);
  }
}

/** What an owner's connection calls itself. */
const NAME = /^heddle start (\d+)$/;

function isHeldByLiving(holder: string): boolean {
  const pid = NAME.exec(holder)?.[1];
  return pid !== undefined && isAlive(Number(pid));
}
