import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { LeaseClock } from '../workers/protocol.ts';
import type { Config } from './config.ts';
import { connect, disconnect, ENGINE_SETTINGS } from './database/connect.ts';
import { describe, refusesTheValues } from './database/errors.ts';
import { Engine } from './engine/engine.ts';
import { GracefulStop } from './engine/graceful-stop.ts';
import { Lease } from './engine/lease.ts';
import { Minutes } from './engine/minutes.ts';
import { Presence } from './engine/presence.ts';
import { publishTaskTypes } from './engine/publish.ts';
import { Settler } from './engine/settle.ts';
import type { ThreadOptions } from './engine/task-thread.ts';
import { type RunnableType, TaskTypeCatalogue } from './engine/task-types.ts';
import { Wake } from './engine/wake.ts';
import { Duties } from './leader/duties.ts';
import { Election } from './leader/elect.ts';
import { type Observe, tellBoth } from './observe/events.ts';
import type { Log } from './observe/log.ts';
import type { ThreadCounts } from './observe/metrics/runner.ts';
import { RunnerHeartbeat } from './runner-heartbeat.ts';

export interface TenureOptions {
  config: Config;
  databaseUrl: string;
  types: readonly RunnableType[];
  threadOptions: ThreadOptions;
  log: Log;
  observe: Observe;
  /** Whether it is the first of its process. */
  first: boolean;
}

/** How a tenure ends that nobody has stopped. */
export interface TenureEvents {
  /** Its lease is over: it has to be lost, and a new one may begin. */
  leaseOver(reason: string): void;
  /** A little later: from now on others may run its tasks. */
  leaseExpired(): void;
  /** A thread does not die: only the end of the process frees its slot. */
  threadStuck(): void;
}

/** Why a tenure stops that nobody has told to: a thread of it does not die. */
export const DEGRADED = 'degraded';

/**
 * A runner, from the moment it is seen in the database until it has stopped or lost its lease: under one id, which
 * fences everything it does. A process that loses its lease goes on under another one.
 *
 * In the mode `singleton` only the leader claims and the others are hot standbys; in `shared` all claim. This file
 * only puts the parts together.
 */
export class Tenure {
  readonly id = randomUUID();
  readonly #options: TenureOptions;
  readonly #parts: Parts;
  readonly #graceful: GracefulStop;
  /** It stops: an election that is under way opens nothing any more. */
  #retired: Promise<void> | null = null;

  constructor(options: TenureOptions, events: TenureEvents) {
    const { config, observe } = options;
    this.#options = options;
    this.#parts = assemble(this.id, options, events, () => this.#lead());
    this.#graceful = new GracefulStop(this.#parts.engine, config.runner.stopGraceSeconds * 1000, observe);
  }

  /** Starts the threads, shows the runner in the database as soon as that is there, and stands for leader. */
  async start(): Promise<void> {
    const { engine, presence, wake, election, heartbeat } = this.#parts;
    const { config, types, observe } = this.#options;
    const steps: (() => void | Promise<void>)[] = [
      () => engine.start(),
      () => presence.start(),
      () => this.#joinIn(),
      () => wake.start(),
      () => election.start(),
      () => heartbeat.start(),
    ];
    for (const step of steps) {
      if (this.#retired !== null) return; // It has to stop, or has lost its lease: what is not started stays so.
      await step();
    }
    const { threads } = config.runner;
    const task_types = types.map(({ name }) => name);
    observe({ event: 'runner_started', runner_id: this.id, threads, task_types });
  }

  /**
   * Stops in stages. Resolves when everything is settled, but for what a thread runs that does not die.
   * @param why a signal, or that it is degraded
   */
  stop(why: string): Promise<void> {
    const status = why === DEGRADED ? 'degraded' : 'draining';
    if (why === DEGRADED) this.#parts.engine.giveUpLate();
    this.#retired ??= this.#retire(status, () => this.#graceful.run(why));
    return this.#retired;
  }

  /** Goes to the next stage of the stop at once. */
  hurry(): void {
    this.#graceful.hurry();
  }

  /**
   * Ends everything at once. Resolves when the outcomes are in the database, however long that is away; those that
   * cannot be written with the others, as of rows that somebody keeps locked, are left to the rescue.
   */
  async lose(reason: string): Promise<void> {
    const { engine } = this.#parts;
    const { running } = engine;
    engine.giveUpLate(); // Nobody goes on before it has ended: it must not wait for somebody's open transaction.
    this.#options.observe({ event: 'lease_lost', runner_id: this.id, reason, running });
    const lost = engine.lose();
    this.#retired ??= this.#retire('draining', () => lost);
    await Promise.all([lost, this.#retired]);
  }

  /** Whether threads run something. */
  get threadsRun(): boolean {
    return this.#parts.engine.threadsBusy > 0;
  }

  /** What its threads do. */
  get threads(): ThreadCounts {
    return this.#parts.engine.threadCounts;
  }

  /** Its connections to the database, but for those that need one of their own. */
  get database(): pg.Pool {
    return this.#parts.database;
  }

  /** A thread does not die: only the end of the process ends what it runs. */
  get hasStuckThread(): boolean {
    return this.#parts.engine.hasStuckThread;
  }

  /** In the mode `shared` every runner claims, whoever leads. */
  async #joinIn(): Promise<void> {
    const { presence, engine } = this.#parts;
    if (this.#options.config.runner.mode !== 'shared') return;
    await this.#publishInTheEnd();
    if (this.#retired !== null) return;
    await presence.become('member', 'active');
    if (this.#retired !== null) return;
    engine.open();
  }

  /** The database may go away again at any moment. Nobody else would try once more. */
  async #publishInTheEnd(): Promise<void> {
    while (this.#retired === null) {
      try {
        await this.#publish();
        return;
      } catch (error) {
        if (refusesTheValues(error)) throw error;
        this.#options.observe({
          event: 'database_error',
          during: 'publishing task types',
          ...describe(error),
        });
        await sleep(PUBLISH_AGAIN_MS);
      }
    }
  }

  async #lead(): Promise<void> {
    const { presence, engine, duties, election } = this.#parts;
    await this.#publish();
    if (this.#retired !== null) return;
    await presence.become('leader', 'active');
    if (this.#retired !== null) return;
    engine.open();
    await duties.start(this.#options.first && !election.stoodBy ? 'start' : 'takeover');
  }

  async #publish(): Promise<void> {
    const { types, observe } = this.#options;
    await publishTaskTypes(this.#parts.database, types);
    observe({ event: 'task_types_published', task_types: types.map(({ name }) => name) });
  }

  async #retire(status: 'draining' | 'degraded', end: () => Promise<void>): Promise<void> {
    const { engine, presence, wake, election, heartbeat, duties, settler, minutes, lease, database } =
      this.#parts;
    engine.close();
    heartbeat.stop();
    // Beside the end, not before it: they wait for the database, and time is running.
    const others = Promise.all([presence.become(presence.role, status), election.stop(), duties.stop()]);
    await end();
    await others;
    settler.giveUpLate(); // What is left of other runners' tasks is for the next leader.
    await settler.written();
    await minutes.stop();
    await wake.stop();
    // Until the process has ended, nobody may take over what its stuck thread runs.
    if (this.hasStuckThread) return;
    // Last of all: whoever takes over finds nothing of this runner's running, or only what was locked.
    await presence.stop();
    lease.release();
    await disconnect(database);
  }
}

const PUBLISH_AGAIN_MS = 250;

type Parts = ReturnType<typeof assemble>;

function assemble(id: string, options: TenureOptions, events: TenureEvents, lead: () => Promise<void>) {
  const { config, databaseUrl, types, log } = options;
  const { mode, leaseSeconds, threads, killGraceMs } = config.runner;
  const directUrl = config.database.listenUrl ?? databaseUrl;
  const clock = new LeaseClock();
  const lease = new Lease(leaseSeconds * 1000, clock, {
    over: (reason) => events.leaseOver(reason),
    expired: () => events.leaseExpired(),
  });
  const database = connect(databaseUrl, `heddle runner ${id}`, options.observe, {
    settings: ENGINE_SETTINGS,
  });
  const minutes = new Minutes(id, database, options.observe);
  const observe = tellBoth(options.observe, (event) => {
    if (event.event === 'attempt_ended') minutes.note(event);
  });
  const engine = new Engine({
    runnerId: id,
    database,
    catalogue: new TaskTypeCatalogue(database),
    types,
    threads,
    threadOptions: { ...options.threadOptions, lease: clock },
    killGraceMs,
    onStuck: () => events.threadStuck(),
    observe,
    logStream: log.stream,
  });
  const identity = { id, mode, leaseSeconds, types: types.map(({ name }) => name) };
  const presence = new Presence(identity, directUrl, lease, engine, observe);
  const settler = new Settler(database, observe, engine);
  const { retention } = config;
  const duties = new Duties({ runnerId: id, database, directUrl, types, settler, retention, observe });
  const due = (inMs: number) => {
    engine.wake(inMs);
    duties.look();
  };
  const wake = new Wake(id, directUrl, { due, cancel: (taskId) => engine.cancel(taskId) }, observe);
  const election = new Election(id, database, lead, observe);
  const heartbeat = new RunnerHeartbeat(engine, observe);
  return { database, engine, minutes, lease, presence, settler, duties, wake, election, heartbeat };
}
