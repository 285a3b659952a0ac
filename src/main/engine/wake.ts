import { describe } from '../database/errors.ts';
import { Session } from '../database/session.ts';
import type { Observe } from '../observe/events.ts';
import { CHANNEL_CANCEL, CHANNEL_DUE } from './sql/submit.ts';

/** What notifications wake. Polling finds everything without them, only later. */
export interface Wakened {
  /** Something is due in so many milliseconds. */
  due(inMs: number): void;
  /** A running task is to be cancelled. */
  cancel(taskId: string): void;
}

/**
 * Listens, on a connection of its own. It notifies itself now and then: a socket that is open at this end only, or a
 * pooler that swallows LISTEN, says nothing at all, and would be taken for peace and quiet.
 */
export class Wake {
  readonly #wakened: Wakened;
  readonly #observe: Observe;
  readonly #session: Session;
  readonly #probeChannel: string;
  #probe: NodeJS.Timeout | undefined;
  #listens = false;
  /** That nothing is heard was told: behind a pooler it would have to be told for ever. */
  #told = false;

  /** @param url a direct connection: a transaction pooler does not pass notifications on */
  constructor(runnerId: string, url: string, wakened: Wakened, observe: Observe) {
    this.#wakened = wakened;
    this.#observe = observe;
    this.#probeChannel = `heddle_probe_${runnerId}`;
    this.#session = new Session(
      { url, name: `heddle runner ${runnerId}`, timeoutMs: PROBE_MS },
      {
        opened: () => this.#listen(),
        lost: (error) => this.#lost(error),
        notified: (channel, payload) => this.#hear(channel, payload),
      },
    );
  }

  start(): void {
    this.#session.open();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#probe);
    await this.#session.close();
  }

  async #listen(): Promise<void> {
    const channels = [CHANNEL_DUE, CHANNEL_CANCEL, `"${this.#probeChannel}"`];
    await this.#session.query({ text: channels.map((channel) => `listen ${channel}`).join(';') });
    await this.#notifyItself();
  }

  #hear(channel: string, payload: string): void {
    if (channel === CHANNEL_DUE) this.#wakened.due(Number(payload) || 0);
    else if (channel === CHANNEL_CANCEL) this.#wakened.cancel(payload);
    else this.#heardItself();
  }

  #heardItself(): void {
    if (!this.#listens) {
      this.#listens = true;
      this.#told = false;
      this.#observe({ event: 'listening' });
      this.#wakened.due(0); // Whatever was said before this was not heard.
    }
    this.#probeIn(() => this.#notifyItself());
  }

  async #notifyItself(): Promise<void> {
    this.#probeIn(() => this.#session.giveUp(new Error('a notification to itself did not arrive')));
    try {
      await this.#session.query({ text: `notify "${this.#probeChannel}"` });
    } catch {
      // The session has given up its connection, and tells why.
    }
  }

  #probeIn(next: () => unknown): void {
    clearTimeout(this.#probe);
    this.#probe = setTimeout(next, PROBE_MS);
  }

  #lost(error: unknown): void {
    clearTimeout(this.#probe);
    this.#listens = false;
    if (!this.#told) this.#observe({ event: 'listen_lost', message: describe(error).message });
    this.#told = true;
  }
}

/** So that silence is noticed within two of these. */
const PROBE_MS = 5000;
