import { randomUUID } from 'node:crypto';
import type { Config } from './config.ts';
import { connect } from './database/connect.ts';
import { type Discovery, discover } from './engine/discover.ts';
import { Engine } from './engine/engine.ts';
import { GracefulStop } from './engine/graceful-stop.ts';
import { Presence } from './engine/presence.ts';
import { publishTaskTypes } from './engine/publish.ts';
import { Settler } from './engine/settle.ts';
import { TaskTypeCatalogue } from './engine/task-types.ts';
import { Wake } from './engine/wake.ts';
import { Duties } from './leader/duties.ts';
import { Election } from './leader/elect.ts';
import { migrateUp } from './migrate/apply.ts';
import type { Observe } from './observe/events.ts';
import type { Log } from './observe/log.ts';
import { RunnerHeartbeat } from './runner-heartbeat.ts';
import { taskFolders } from './task-folders.ts';

export interface RunnerOptions {
  config: Config;
  databaseUrl: string;
  log: Log;
  observe: Observe;
}

/**
 * A runner process: migrates, learns what the task files define, starts its threads, and stands for leader. In the
 * mode `singleton` only the leader claims and the others are hot standbys; in `shared` all claim. This file only puts
 * the parts together.
 */
export class Runner {
  readonly id: string;
  readonly #parts: Parts;
  readonly #graceful: GracefulStop;
  readonly #observe: Observe;
  #stopping: Promise<void> | null = null;

  /**
   * Makes ready what a runner needs: the schema, and what the task files define. It claims nothing before `start`.
   * @throws MigrationError when the schema cannot be brought up to date, ThreadDied when no thread comes up
   */
  static async prepare(options: RunnerOptions): Promise<Runner> {
    const { config, databaseUrl, observe } = options;
    const directUrl = config.database.listenUrl ?? databaseUrl;
    const [discovery] = await Promise.all([
      discover(threadOptions(options)),
      migrateUp({ url: directUrl, observe }),
    ]);
    tellFaults(discovery, observe);
    return new Runner(options, assemble(options, directUrl, discovery));
  }

  private constructor({ config, observe }: RunnerOptions, parts: Parts) {
    this.id = parts.runnerId;
    this.#parts = parts;
    this.#observe = observe;
    this.#graceful = new GracefulStop(parts.engine, config.runner.stopGraceSeconds * 1000, observe);
  }

  /** Starts the threads, shows the runner in the database, and stands for leader. What fails is stopped again. */
  async start(): Promise<void> {
    try {
      await this.#start();
    } catch (error) {
      await this.stop('a start that failed');
      throw error;
    }
  }

  /** Stops in stages, and resolves when everything is settled. Called again, it goes to the next stage at once. */
  stop(signal: string): Promise<void> {
    if (this.#stopping === null) this.#stopping = this.#stop(signal);
    else this.#graceful.hurry();
    return this.#stopping;
  }

  async #start(): Promise<void> {
    const { engine, presence, wake, election, heartbeat, open } = this.#parts;
    await engine.start();
    await presence.start();
    await open();
    wake.start();
    await election.start();
    heartbeat.start();
    const { threads, types } = this.#parts;
    this.#observe({ event: 'runner_started', runner_id: this.id, threads, task_types: types });
  }

  async #stop(signal: string): Promise<void> {
    const startedAt = performance.now();
    const { engine, presence, wake, election, heartbeat, duties, settler, database } = this.#parts;
    this.#parts.retire();
    engine.close();
    heartbeat.stop();
    // Beside the stop, not before it: they wait for the database, and the grace is running.
    const others = Promise.all([presence.become(presence.role, 'draining'), duties.stop()]);
    await this.#graceful.run(signal);
    await others;
    await settler.written();
    await wake.stop();
    await presence.stop();
    // Last: whoever takes over finds nothing of this runner's running.
    await election.stop();
    await database.end();
    this.#observe({ event: 'stopped', took_ms: performance.now() - startedAt });
  }
}

type Parts = ReturnType<typeof assemble>;

function assemble(
  { config, databaseUrl, log, observe }: RunnerOptions,
  directUrl: string,
  { types }: Discovery,
) {
  const runnerId = randomUUID();
  const { mode, leaseSeconds, threads, killGraceMs } = config.runner;
  const typeNames = types.map((type) => type.name);
  const database = connect(databaseUrl, 'heddle runner', observe);
  const engine = new Engine({
    runnerId,
    database,
    catalogue: new TaskTypeCatalogue(database),
    types,
    threads,
    threadOptions: threadOptions({ config, databaseUrl }),
    killGraceMs,
    observe,
    logStream: log.stream,
  });
  const identity = { id: runnerId, mode, leaseSeconds, types: typeNames };
  const presence = new Presence(identity, database, engine, observe);
  const settler = new Settler(database, observe, engine);
  const duties = new Duties({ runnerId, database, types, settler, retention: config.retention, observe });
  const due = (inMs: number) => {
    engine.wake(inMs);
    duties.look();
  };
  const wake = new Wake(directUrl, { due, cancel: (taskId) => engine.cancel(taskId) }, observe);
  const shared = mode === 'shared';
  /** The runner stops: an election that is under way opens nothing any more. */
  let retired = false;

  async function publish(): Promise<void> {
    await publishTaskTypes(database, types);
    observe({ event: 'task_types_published', task_types: typeNames });
  }

  /** Starts claiming, where all runners do. */
  async function open(): Promise<void> {
    if (!shared) return;
    await publish();
    await presence.become('member', 'active');
    engine.open();
  }

  const election = new Election(
    directUrl,
    {
      async elected(reason) {
        observe({ event: 'leader_elected', runner_id: runnerId });
        await publish();
        if (retired) return;
        await presence.become('leader', 'active');
        if (retired) return;
        engine.open();
        await duties.start(reason);
      },
      async lost(reason) {
        observe({ event: 'leader_lost', reason });
        if (!shared) engine.close();
        await duties.stop();
        await presence.become(shared ? 'member' : 'standby', shared ? 'active' : 'standby');
      },
    },
    observe,
  );
  const heartbeat = new RunnerHeartbeat(engine, observe);
  return {
    runnerId,
    types: typeNames,
    threads,
    database,
    engine,
    presence,
    wake,
    election,
    heartbeat,
    duties,
    settler,
    open,
    retire() {
      retired = true;
    },
  };
}

function threadOptions({ config, databaseUrl }: Pick<RunnerOptions, 'config' | 'databaseUrl'>) {
  return {
    databaseUrl,
    taskFolders: taskFolders(config),
    logLevel: config.logLevel,
    maxHeapMb: config.runner.threadMaxHeapMb,
    bootTimeoutMs: THREAD_BOOT_MS,
  };
}

const THREAD_BOOT_MS = 30_000;

function tellFaults({ types, rejected }: Discovery, observe: Observe): void {
  for (const { file, reason } of rejected) observe({ event: 'task_file_rejected', file, reason });
  for (const { name, warnings } of types) {
    for (const reason of warnings) observe({ event: 'task_type_warning', task_type: name, reason });
  }
}
