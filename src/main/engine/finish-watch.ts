import type { Queryable } from '../database/connect.ts';
import type { Observe } from '../observe/events.ts';
import { Watch } from './watch.ts';

/** Tells callers when tasks have finished. One statement looks for all of them, however many are waited for. */
export class FinishWatch {
  readonly #watch: Watch<string, true>;

  constructor(database: Queryable, observe: Observe) {
    this.#watch = new Watch({
      look: (ids) => finished(database, ids),
      during: 'waiting for tasks',
      observe,
      intervalMs: { min: 10, max: 250 },
    });
  }

  /**
   * Waits until a task has finished or is gone, the time is over, `gone` is aborted, or the watch is stopped. Never
   * rejects: look at the task afterwards.
   */
  async finished(id: string, seconds: number, gone: AbortSignal): Promise<void> {
    await this.#watch.answer(id, seconds, gone);
  }

  /** Ends all waits, and those to come. */
  stop(): void {
    this.#watch.stop();
  }
}

async function finished(database: Queryable, ids: readonly string[]): Promise<(true | undefined)[]> {
  const { rows } = await database.query<{ id: string }>({
    name: 'finished-of',
    text: FINISHED_OF,
    values: [[...new Set(ids)]],
  });
  const found = new Set(rows.map((row) => row.id));
  return ids.map((id) => found.has(id) || undefined);
}

/** $1 ids. Which are not there as unfinished tasks: what was deleted will never finish. */
const FINISHED_OF = `
select asked.id from unnest($1::uuid[]) as asked (id)
where not exists (select from tasks t where t.id = asked.id and t.status in ('created', 'queued', 'running'))`;
