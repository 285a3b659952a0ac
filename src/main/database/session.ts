import pg from 'pg';
import { atMost } from '../at-most.ts';
import { growingPause } from './errors.ts';

export interface SessionOptions {
  /** A direct connection: a transaction pooler would lend the session to others. */
  url: string;
  /** Shown by PostgreSQL as the application_name. */
  name: string;
  /** How long a connection or an answer is waited for, in milliseconds. */
  timeoutMs: number;
}

export interface SessionEvents {
  /** Connected, for the first time or again. What this throws gives the connection up. */
  opened(): Promise<void>;
  /** The connection is gone, or could not be made; another one is tried for. */
  lost(error: unknown): void;
  notified?(channel: string, payload: string): void;
}

/**
 * One connection, for what needs a session of its own. When it breaks, or does not answer in time, it is given up,
 * and another one opened, however often that takes.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #events: SessionEvents;
  #client: pg.Client | null = null;
  #connected = false;
  #retry: NodeJS.Timeout | undefined;
  #tries = 0;
  #closed = false;

  constructor(options: SessionOptions, events: SessionEvents) {
    this.#options = options;
    this.#events = events;
  }

  get connected(): boolean {
    return this.#connected;
  }

  open(): void {
    void this.#connect();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    if (this.#client !== null) await atMost(1000, this.#client.end());
  }

  /** One statement at a time. @throws Error when there is no connection, or no answer in time */
  async query<Row extends pg.QueryResultRow>(config: pg.QueryConfig): Promise<pg.QueryResult<Row>> {
    const client = this.#client;
    if (client === null || !this.#connected) throw new Error('there is no connection');
    try {
      return await client.query<Row>(config);
    } catch (error) {
      // Also when the server refuses the statement: a session in which something is wrong is not worth its keeping.
      this.#lose(client, error);
      throw error;
    }
  }

  /** Gives the connection up: something is wrong with it. */
  giveUp(reason: Error): void {
    if (this.#client !== null) this.#lose(this.#client, reason);
  }

  async #connect(): Promise<void> {
    const { url, name, timeoutMs } = this.#options;
    const client = new pg.Client({
      connectionString: url,
      application_name: name,
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
      keepAlive: true,
    });
    this.#client = client;
    client.on('error', (error) => this.#lose(client, error));
    client.on('end', () => this.#lose(client, new Error('the connection was closed')));
    client.on('notification', ({ channel, payload = '' }) => this.#events.notified?.(channel, payload));
    try {
      await client.connect();
      this.#connected = true;
      await this.#events.opened();
      this.#tries = 0;
    } catch (error) {
      this.#lose(client, error);
    }
  }

  #lose(client: pg.Client, error: unknown): void {
    if (this.#closed || this.#client !== client) return;
    this.#client = null;
    this.#connected = false;
    // With a statement under way, this destroys the socket: it does not wait for a server that is silent.
    client.end().catch(() => {});
    this.#events.lost(error);
    const pauseMs = growingPause(50, this.#tries++, LONGEST_WAIT_MS);
    this.#retry = setTimeout(() => void this.#connect(), pauseMs);
  }
}

const LONGEST_WAIT_MS = 1000;
