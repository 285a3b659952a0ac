import pg from 'pg';
import { describe } from '../database/connect.ts';
import type { Observe } from '../observe/events.ts';

export interface Elected {
  /** This runner leads from now on: at its start, or after it did not lead for a while. */
  elected(reason: 'start' | 'takeover'): Promise<void>;
  /** It no longer does: the connection that held the lock is gone. */
  lost(reason: string): Promise<void>;
}

/**
 * Elects one leader among the runners of a database: who holds a session's advisory lock leads, for as long as that
 * session lives. PostgreSQL ends the session of a killed process at once, so a standby takes over within a poll.
 */
export class Election {
  readonly #url: string;
  readonly #callbacks: Elected;
  readonly #observe: Observe;
  #client: pg.Client | null = null;
  #poll: NodeJS.Timeout | undefined;
  #leads = false;
  #stoodBy = false;
  /** Callbacks run one after the other: an election does not overtake the loss before it. */
  #telling: Promise<void> = Promise.resolve();
  #stopped = false;

  /** @param url a direct connection: a transaction pooler would lend the session to others */
  constructor(url: string, callbacks: Elected, observe: Observe) {
    this.#url = url;
    this.#callbacks = callbacks;
    this.#observe = observe;
  }

  /** Stands for leader from now on. Resolves when it has tried for the first time, and acted upon the answer. */
  async start(): Promise<void> {
    await this.#stand();
    await this.#telling;
  }

  /** Gives the lock back. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#poll);
    await this.#client?.end().catch(() => {});
  }

  async #stand(): Promise<void> {
    try {
      const client = this.#client ?? (await this.#connect());
      this.#client = client;
      if (this.#stopped) {
        await client.end();
        return;
      }
      const { rows } = await client.query<{ got: boolean }>(TRY_LOCK, [LEADER_LOCK]);
      if (rows[0]?.got) this.#win();
      else this.#standBy();
    } catch (error) {
      this.#observe({ event: 'database_error', during: 'election', ...describe(error) });
      this.#again();
    }
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: 'heddle leader',
      connectionTimeoutMillis: 10_000,
      query_timeout: 5000,
      keepAlive: true,
    });
    client.on('error', (error) => this.#lose(client, error.message));
    client.on('end', () => this.#lose(client, 'its connection was closed'));
    await client.connect();
    return client;
  }

  #win(): void {
    if (this.#stopped) return;
    this.#leads = true;
    const reason = this.#stoodBy ? 'takeover' : 'start';
    this.#stoodBy = true;
    this.#tell(() => this.#callbacks.elected(reason));
  }

  #standBy(): void {
    if (!this.#stoodBy) this.#observe({ event: 'runner_standby', reason: 'another runner leads' });
    this.#stoodBy = true;
    this.#again();
  }

  #lose(client: pg.Client, reason: string): void {
    if (this.#client !== client) return;
    this.#client = null;
    if (this.#stopped || !this.#leads) return;
    this.#leads = false;
    this.#tell(() => this.#callbacks.lost(reason));
    this.#again();
  }

  #tell(callback: () => Promise<void>): void {
    this.#telling = this.#telling.then(callback).catch((error: unknown) => {
      this.#observe({ event: 'database_error', during: 'election', ...describe(error) });
      // Half a leader is none: stand again, on a new connection.
      const client = this.#client;
      if (client !== null) client.end().catch(() => {});
    });
  }

  #again(): void {
    if (this.#stopped) return;
    clearTimeout(this.#poll);
    this.#poll = setTimeout(() => void this.#stand(), POLL_MS);
  }
}

const POLL_MS = 250;

/** Any number, the same for all runners of a database. Spelled 'heddlead' in ASCII. */
const LEADER_LOCK = '7522529135070372196';

const TRY_LOCK = 'select pg_try_advisory_lock($1::bigint) as got';
