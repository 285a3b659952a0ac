import type pg from 'pg';
import type { Config } from '../config.ts';
import type { Settler } from '../engine/settle.ts';
import type { RunnableType } from '../engine/task-types.ts';
import type { Observe } from '../observe/events.ts';
import { Heartbeats } from './heartbeats.ts';
import { Pruner } from './prune.ts';
import { Rescuer } from './rescue.ts';
import { Scheduler } from './schedule.ts';
import { VectorIndexes } from './vector-indexes.ts';

export interface LeaderParts {
  runnerId: string;
  database: pg.Pool;
  /** A direct connection, for what needs a session of its own. */
  directUrl: string;
  types: readonly RunnableType[];
  settler: Settler;
  retention: Config['retention'];
  observe: Observe;
}

/** What only the leader does: rescue, schedule, tell how the schedules go, prune, index vectors. */
export class Duties {
  readonly #parts: LeaderParts;
  #scheduler: Scheduler | null = null;
  #all: { stop(): Promise<void> }[] = [];

  constructor(parts: LeaderParts) {
    this.#parts = parts;
  }

  /**
   * Takes back first what dead runners hold: a tick of theirs that counted as running would hold up the next one.
   * @param reason whether the leader has just been started, or takes over from another one
   */
  async start(reason: 'start' | 'takeover'): Promise<void> {
    const { runnerId, database, directUrl, types, settler, retention, observe } = this.#parts;
    const rescuer = new Rescuer(runnerId, database, settler, observe);
    const scheduler = new Scheduler(runnerId, database, types, observe);
    const heartbeats = new Heartbeats(database, types, observe);
    const pruner = new Pruner(database, retention, observe);
    const vectorIndexes = new VectorIndexes(database, directUrl, observe);
    const all = [rescuer, scheduler, heartbeats, pruner, vectorIndexes];
    this.#all = all;
    await rescuer.rescue();
    if (this.#all !== all) return; // Stopped meanwhile.
    this.#scheduler = scheduler;
    rescuer.start();
    scheduler.start(reason);
    heartbeats.start();
    pruner.start();
    vectorIndexes.start();
  }

  /** Somebody paused, resumed or ran something: looks at the schedules now. */
  look(): void {
    this.#scheduler?.look();
  }

  async stop(): Promise<void> {
    const all = this.#all;
    this.#scheduler = null;
    this.#all = [];
    await Promise.all(all.map((duty) => duty.stop()));
  }
}
