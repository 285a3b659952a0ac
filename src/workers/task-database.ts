import { createRequire } from 'node:module';
import type { Pool, PoolClient } from 'pg';
import { currentAttempt } from './attempt.ts';
import type { LeaseClock } from './protocol.ts';

const require = createRequire(import.meta.url);

/**
 * The pool of a thread's tasks. Its connections carry the running attempt's name, so that the runner can end them
 * when it kills the attempt, and nothing that an attempt leaves on a connection reaches the next one.
 */
export class TaskDatabase {
  readonly pool: Pool;
  readonly #held = new Set<PoolClient>();
  readonly #names = new WeakMap<PoolClient, string>();
  readonly #lease: LeaseClock;

  constructor(url: string, lease: LeaseClock) {
    this.#lease = lease;
    const { Pool } = require('pg') as typeof import('pg');
    // Idle connections do not keep a thread busy: otherwise every attempt that used one would count as unfinished.
    this.pool = new Pool({
      connectionString: url,
      max: 5,
      allowExitOnIdle: true,
      connectionTimeoutMillis: 10_000,
    });
    this.pool.on('error', () => {}); // An idle connection broke: the pool makes another one when one is needed.
    // While a task holds it and asks nothing, nobody else listens: its next statement fails, and says why.
    this.pool.on('connect', (client) => void client.on('error', () => {}));
    this.pool.on('acquire', (client) => void this.#held.add(client));
    this.pool.on('release', (_error, client) => this.#released(client));
    this.#nameWhoConnects();
  }

  /** Whether the attempt has connections that it has not given back. */
  get isHeld(): boolean {
    return this.#held.size > 0;
  }

  /** Closes the connections that the attempt has not given back. @returns whether there were any */
  async releaseHeld(): Promise<boolean> {
    const held = [...this.#held];
    await Promise.all(
      held.map((client) => {
        const ended = client.end().catch(() => {});
        client.release(); // Else the pool would count it for ever.
        return ended;
      }),
    );
    return held.length > 0;
  }

  /** `pool.query` comes by here, too, with a callback. */
  #nameWhoConnects(): void {
    const connect = this.pool.connect.bind(this.pool) as () => Promise<PoolClient>;
    const named = (callback?: (error: unknown, client?: PoolClient, release?: unknown) => void) => {
      const connected = this.#connectNamed(connect, connectionName());
      if (callback === undefined) return connected;
      return connected.then((client) => callback(undefined, client, client.release), callback);
    };
    this.pool.connect = named as typeof this.pool.connect;
  }

  async #connectNamed(connect: () => Promise<PoolClient>, name: string): Promise<PoolClient> {
    const client = await connect();
    try {
      // Whoever takes over ends the connections of the attempts that ran: not an idle one, and not one that is new.
      if (this.#lease.over) throw new Error('the runner has lost its lease: others run this task');
      if (this.#names.get(client) !== name) await client.query(`${FORGET}; set application_name = '${name}'`);
      this.#names.set(client, name);
      return client;
    } catch (error) {
      client.release(error as Error);
      throw error;
    }
  }

  /** A connection that comes back inside a transaction is closed: its locks must not outlive the attempt. */
  #released(client: PoolClient): void {
    this.#held.delete(client);
    if (client.getTransactionStatus() !== 'I') client.end().catch(() => {});
  }
}

/** What an earlier attempt may have set on a connection. `discard all` would break pg's prepared statements. */
const FORGET =
  'reset all; reset session authorization; select pg_advisory_unlock_all(); unlisten *; discard temp';

/** The application_name of an attempt's connections: exactly the 63 bytes that PostgreSQL keeps. */
function connectionName(): string {
  const order = currentAttempt()?.order;
  return order === undefined ? 'heddle' : `heddle:${order.taskId}:${order.claimToken}`;
}
