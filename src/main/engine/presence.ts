import { hostname } from 'node:os';
import { describe } from '../database/errors.ts';
import { Session } from '../database/session.ts';
import type { Observe } from '../observe/events.ts';
import { version } from '../package-root.ts';
import { processSpace } from '../process-space.ts';
import type { Engine } from './engine.ts';
import type { Lease } from './lease.ts';
import { BE_SEEN, SHOW_SESSION } from './sql/presence.ts';

export type Role = 'leader' | 'standby' | 'member';
export type PresenceStatus = 'active' | 'standby' | 'draining' | 'degraded' | 'stopped';

/**
 * Keeps the runner's row in `runners` fresh, by the database's clock, and with it the runner's lease: who is not seen
 * for its lease is dead. The heartbeats have a connection of their own, so that they never wait for other statements.
 */
export class Presence {
  readonly #id: string;
  readonly #session: Session;
  readonly #lease: Lease;
  readonly #engine: Engine;
  readonly #observe: Observe;
  readonly #identity: readonly unknown[];
  readonly #leaseSeconds: number;
  readonly #types: readonly string[];
  #role: Role = 'standby';
  #status: PresenceStatus = 'standby';
  #timer: NodeJS.Timeout | undefined;
  /** Heartbeats go one after the other. */
  #beat: Promise<void> = Promise.resolve();
  #beats = 0;
  #sessionShown = false;
  #seen: () => void = () => {};

  /** @param url a direct connection, if there is one */
  constructor(
    runner: { id: string; mode: 'singleton' | 'shared'; leaseSeconds: number; types: readonly string[] },
    url: string,
    lease: Lease,
    engine: Engine,
    observe: Observe,
  ) {
    this.#id = runner.id;
    this.#identity = [runner.id, hostname(), process.pid, processSpace, version, runner.mode];
    this.#leaseSeconds = runner.leaseSeconds;
    this.#types = runner.types;
    this.#lease = lease;
    this.#engine = engine;
    this.#observe = observe;
    this.#session = new Session(
      { url, name: `heddle runner ${runner.id}`, timeoutMs: (this.#leaseSeconds * 1000) / 4 },
      {
        opened: async () => {
          this.#sessionShown = false;
          void this.#show();
        },
        lost: (error) => this.#observe({ event: 'database_error', during: 'heartbeat', ...describe(error) }),
      },
    );
  }

  get role(): Role {
    return this.#role;
  }

  /** Shows itself, and from then on eight times a lease. Resolves when it was seen, however long that takes. */
  async start(): Promise<void> {
    const seen = new Promise<void>((resolve) => {
      this.#seen = resolve;
    });
    this.#session.open();
    this.#timer = setInterval(() => void this.#showUnlessBusy(), (this.#leaseSeconds * 1000) / 8);
    await seen;
  }

  /** Shows a change at once; when the database is away, with the next heartbeat. */
  become(role: Role, status: PresenceStatus): Promise<void> {
    this.#role = role;
    this.#status = status;
    return this.#show();
  }

  /** Shows that the runner has stopped: nobody has to wait for its lease to end. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#seen();
    await this.become(this.#role, 'stopped');
    await this.#session.close();
  }

  async #showUnlessBusy(): Promise<void> {
    if (this.#beats === 0) await this.#show();
  }

  #show(): Promise<void> {
    this.#beats++;
    this.#beat = this.#beat
      .then(() => this.#tryToShow())
      .finally(() => {
        this.#beats--;
      });
    return this.#beat;
  }

  async #tryToShow(): Promise<void> {
    if (!this.#session.connected) return; // It is tried for, and told of, by the session.
    try {
      await this.#beSeen();
      if (!this.#sessionShown) await this.#showSession();
    } catch {
      // The session has given up its connection, and tells why.
    }
  }

  async #beSeen(): Promise<void> {
    const threads = this.#engine.state.threads.map(({ id, flight }) => ({
      id,
      task_id: flight?.task.id,
      task_type: flight?.task.type,
      age_ms: flight?.ageMs(),
    }));
    const role = this.#role;
    const values = [role, this.#status, this.#leaseSeconds, this.#types, JSON.stringify(threads)];
    const sentAt = performance.now();
    const { rows } = await this.#session.query<{ leads: boolean }>({
      text: BE_SEEN,
      values: [...this.#identity, ...values],
    });
    const [seen] = rows;
    if (seen === undefined) this.#lease.end('another runner has taken this one for dead');
    else if (role === 'leader' && !seen.leads) this.#lease.end('another runner has taken the lead');
    else {
      this.#lease.renewed(sentAt);
      this.#seen();
    }
  }

  async #showSession(): Promise<void> {
    const { rows } = await this.#session.query<{ shown: boolean }>({
      text: SHOW_SESSION,
      values: [this.#id],
    });
    // Not yet: the server has not noticed that a former connection of this runner is gone.
    this.#sessionShown = rows[0]?.shown === true;
  }
}
