import { hostname } from 'node:os';
import { describe, type Queryable } from '../database/connect.ts';
import type { Observe } from '../observe/events.ts';
import { version } from '../package-root.ts';
import type { Engine } from './engine.ts';
import { BE_SEEN } from './sql/presence.ts';

export type Role = 'leader' | 'standby' | 'member';
export type PresenceStatus = 'active' | 'standby' | 'draining' | 'degraded' | 'stopped';

/** Keeps the runner's row in `runners` fresh, by the database's clock: who is not seen for its lease is dead. */
export class Presence {
  readonly #database: Queryable;
  readonly #engine: Engine;
  readonly #observe: Observe;
  readonly #identity: readonly unknown[];
  readonly #leaseSeconds: number;
  readonly #types: readonly string[];
  #role: Role = 'standby';
  #status: PresenceStatus = 'standby';
  #timer: NodeJS.Timeout | undefined;

  constructor(
    runner: { id: string; mode: 'singleton' | 'shared'; leaseSeconds: number; types: readonly string[] },
    database: Queryable,
    engine: Engine,
    observe: Observe,
  ) {
    this.#identity = [runner.id, hostname(), process.pid, version, runner.mode];
    this.#leaseSeconds = runner.leaseSeconds;
    this.#types = runner.types;
    this.#database = database;
    this.#engine = engine;
    this.#observe = observe;
  }

  get role(): Role {
    return this.#role;
  }

  get status(): PresenceStatus {
    return this.#status;
  }

  /** Shows itself for the first time, and from then on four times a lease. */
  async start(): Promise<void> {
    await this.#beSeen();
    this.#timer = setInterval(() => void this.#tryToBeSeen(), (this.#leaseSeconds * 1000) / 4);
  }

  /** Shows a change at once. */
  async become(role: Role, status: PresenceStatus): Promise<void> {
    this.#role = role;
    this.#status = status;
    await this.#tryToBeSeen();
  }

  /** Shows that the runner has stopped: nobody has to wait for its lease to end. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.become(this.#role, 'stopped');
  }

  async #tryToBeSeen(): Promise<void> {
    try {
      await this.#beSeen();
    } catch (error) {
      this.#observe({ event: 'database_error', during: 'heartbeat', ...describe(error) });
    }
  }

  async #beSeen(): Promise<void> {
    const threads = this.#engine.state.threads.map(({ id, flight }) => ({
      id,
      task_id: flight?.task.id ?? null,
      task_type: flight?.task.type ?? null,
      since: flight === null ? null : new Date(Date.now() - flight.ageMs()).toISOString(),
    }));
    const values = [this.#role, this.#status, this.#leaseSeconds, this.#types, JSON.stringify(threads)];
    await this.#database.query({ name: 'be-seen', text: BE_SEEN, values: [...this.#identity, ...values] });
  }
}
