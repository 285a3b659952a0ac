import type { Queryable } from '../database/connect.ts';
import type { RunnableType } from '../engine/task-types.ts';
import type { Observe } from '../observe/events.ts';
import { Repeat } from './repeat.ts';

/** Tells every minute how each periodic task goes, as the leader. */
export class Heartbeats {
  readonly #database: Queryable;
  readonly #types: readonly RunnableType[];
  readonly #observe: Observe;
  readonly #repeat: Repeat;

  constructor(database: Queryable, types: readonly RunnableType[], observe: Observe) {
    this.#database = database;
    this.#types = types.filter((type) => type.kind === 'periodic');
    this.#observe = observe;
    this.#repeat = new Repeat('heartbeats', EVERY_MS, () => this.beat(), observe);
  }

  start(): void {
    if (this.#types.length > 0) this.#repeat.start(EVERY_MS);
  }

  stop(): Promise<void> {
    return this.#repeat.stop();
  }

  /** Tells it now. @throws Error when the database does not answer */
  async beat(): Promise<void> {
    const emojis = new Map(this.#types.map(({ name, emoji }) => [name, emoji]));
    const { rows } = await this.#database.query<Standing>(STANDINGS, [[...emojis.keys()]]);
    for (const { name, runs, failures, next_run_at } of rows) {
      this.#observe({
        event: 'heartbeat',
        task_type: name,
        emoji: emojis.get(name) ?? null,
        runs,
        failures,
        next_run_at: next_run_at?.toISOString() ?? null,
      });
    }
  }
}

const EVERY_MS = 60_000;

interface Standing {
  name: string;
  runs: number;
  failures: number;
  next_run_at: Date | null;
}

/** $1 the periodic types. Counts as floats: pg gives a bigint as text. */
const STANDINGS = `
select name, runs::float8 as runs, failures::float8 as failures, next_run_at
from periodic_tasks
where name = any($1)
order by name`;
