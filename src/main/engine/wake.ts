import pg from 'pg';
import { describe } from '../database/connect.ts';
import type { Observe } from '../observe/events.ts';
import { CHANNEL_CANCEL, CHANNEL_DUE } from './sql/submit.ts';

/** What notifications wake. Polling finds everything without them, only later. */
export interface Wakened {
  /** Something is due in so many milliseconds. */
  due(inMs: number): void;
  /** A running task is to be cancelled. */
  cancel(taskId: string): void;
}

/** Listens on a connection of its own, and opens another one whenever it breaks. */
export class Wake {
  readonly #url: string;
  readonly #wakened: Wakened;
  readonly #observe: Observe;
  #client: pg.Client | null = null;
  #retry: NodeJS.Timeout | undefined;
  #tries = 0;
  #stopped = false;

  /** @param url a direct connection: a transaction pooler does not pass notifications on */
  constructor(url: string, wakened: Wakened, observe: Observe) {
    this.#url = url;
    this.#wakened = wakened;
    this.#observe = observe;
  }

  start(): void {
    void this.#listen();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    await this.#client?.end().catch(() => {});
  }

  async #listen(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: 'heddle listen',
      keepAlive: true,
    });
    this.#client = client;
    client.on('error', (error) => this.#lost(client, error));
    client.on('end', () => this.#lost(client, new Error('the connection was closed')));
    client.on('notification', ({ channel, payload = '' }) => {
      if (channel === CHANNEL_DUE) this.#wakened.due(Number(payload) || 0);
      else this.#wakened.cancel(payload);
    });
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL_DUE}; listen ${CHANNEL_CANCEL}`);
      this.#tries = 0;
      this.#observe({ event: 'listening' });
      this.#wakened.due(0); // Whatever was said before this was not heard.
    } catch (error) {
      this.#lost(client, error);
    }
  }

  #lost(client: pg.Client, error: unknown): void {
    if (this.#stopped || this.#client !== client) return;
    this.#client = null;
    this.#observe({ event: 'listen_lost', message: describe(error).message });
    client.end().catch(() => {});
    this.#retry = setTimeout(() => void this.#listen(), Math.min(5000, 100 * 2 ** this.#tries++));
  }
}
