import type pg from 'pg';
import { Gauge, type Registry } from 'prom-client';
import type { HeddleEvent, KillCause } from '../events.ts';
import { createRegistry, OTHER } from './registry.ts';
import { addCounter, addHistogram, type Counts } from './tally.ts';
import { TypeTally } from './type-tally.ts';

/** What a runner tells of itself when it is asked. */
export interface RunnerSources {
  /** The types that it can run. Others, of which it only rescues tasks, are counted together, as `other`. */
  types: readonly { name: string; kind: 'database' | 'periodic' }[];
  threads: ThreadCounts;
  /** Null while it has none. */
  pool: pg.Pool | null;
}

export type ThreadCounts = Record<'busy' | 'idle' | 'stuck', number>;

/** The metrics of a runner: counts what happens, and tells it in Prometheus' words when somebody asks. */
export class RunnerMetrics {
  readonly registry: Registry;
  readonly #sources: () => RunnerSources | null;
  readonly #tallies = new Map<string, TypeTally>();
  readonly #kills: Record<KillCause, number> = {
    timeout: 0,
    cancel: 0,
    stop: 0,
    lost: 0,
    memory: 0,
    left_behind: 0,
  };
  #rescues = 0;
  #staleSettles = 0;
  #threadRestarts = 0;

  /** @param sources null before it is there */
  constructor(sources: () => RunnerSources | null) {
    this.#sources = sources;
    this.registry = createRegistry(() => sources()?.pool ?? null);
    this.#addCounters();
    this.#addHistograms();
    this.#addThreads();
  }

  /** Takes note of an event: of each attempt, and so at next to no cost. */
  note(event: HeddleEvent): void {
    switch (event.event) {
      case 'attempt_ended':
        this.#tallyOf(event.task_type).end(event);
        break;
      case 'tasks_claimed':
        for (const [type, count] of Object.entries(event.by_type)) this.#tallyOf(type).claimed += count;
        break;
      case 'task_rescued':
        this.#rescues++;
        break;
      case 'stale_settle':
        this.#staleSettles++;
        break;
      case 'thread_killed':
        this.#kills[event.cause]++;
        break;
      case 'thread_started':
        if (event.replaces) this.#threadRestarts++;
    }
  }

  /** Also of the types of which nothing has happened yet. */
  get #byType(): ReadonlyMap<string, TypeTally> {
    for (const { name } of this.#sources()?.types ?? []) this.#tallyOf(name);
    return this.#tallies;
  }

  #tallyOf(type: string): TypeTally {
    const tally = this.#tallies.get(type);
    if (tally !== undefined) return tally;
    const known = this.#sources()?.types.find(({ name }) => name === type);
    if (known === undefined && type !== OTHER) return this.#tallyOf(OTHER);
    const added = new TypeTally(known?.kind === 'periodic');
    this.#tallies.set(type, added);
    return added;
  }

  #addCounters(): void {
    const { registry } = this;
    const byType = (count: (tally: TypeTally) => number) => (): Counts =>
      [...this.#byType].map(([type, tally]) => [{ type }, count(tally)]);
    addCounter(
      registry,
      { name: 'heddle_claimed_total', help: 'Tasks that this runner has claimed.', labelNames: ['type'] },
      byType(({ claimed }) => claimed),
    );
    addCounter(
      registry,
      {
        name: 'heddle_settled_total',
        help: 'Attempts that ended, by how they ended.',
        labelNames: ['type', 'outcome'],
      },
      () =>
        [...this.#byType].flatMap(([type, { outcomes }]) =>
          [...outcomes].map(([outcome, count]) => [{ type, outcome }, count] as const),
        ),
    );
    addCounter(
      registry,
      {
        name: 'heddle_retries_total',
        help: 'Attempts that failed and after which their task is tried again.',
        labelNames: ['type'],
      },
      byType(({ retries }) => retries),
    );
    addCounter(
      registry,
      { name: 'heddle_rescues_total', help: 'Tasks that were taken back from dead runners.' },
      () => [[{}, this.#rescues]],
    );
    addCounter(
      registry,
      { name: 'heddle_kills_total', help: 'Threads that were killed, by why.', labelNames: ['reason'] },
      () => Object.entries(this.#kills).map(([reason, count]) => [{ reason }, count]),
    );
    addCounter(
      registry,
      {
        name: 'heddle_stale_settles_total',
        help: 'Outcomes that came too late: their task had been claimed anew.',
      },
      () => [[{}, this.#staleSettles]],
    );
    addCounter(
      registry,
      {
        name: 'heddle_thread_restarts_total',
        help: 'Threads that were started in the place of another one.',
      },
      () => [[{}, this.#threadRestarts]],
    );
  }

  #addHistograms(): void {
    const { registry } = this;
    addHistogram(registry, { name: 'heddle_run_duration_seconds', help: 'How long attempts ran.' }, () =>
      [...this.#byType].map(([type, { runs }]) => [type, runs]),
    );
    addHistogram(
      registry,
      { name: 'heddle_wait_duration_seconds', help: 'From when attempts were due until they began.' },
      () => [...this.#byType].map(([type, { waits }]) => [type, waits]),
    );
    addHistogram(
      registry,
      {
        name: 'heddle_periodic_lateness_seconds',
        help: 'From the time that a periodic task was to run at until it began.',
      },
      () => [...this.#byType].flatMap(([type, { isPeriodic, waits }]) => (isPeriodic ? [[type, waits]] : [])),
    );
  }

  #addThreads(): void {
    const threads = (): Partial<ThreadCounts> => this.#sources()?.threads ?? {};
    new Gauge({
      name: 'heddle_threads',
      help: 'Threads that run something, that could, and that were killed and do not die.',
      labelNames: ['state'],
      registers: [this.registry],
      collect() {
        for (const [state, count] of Object.entries(threads())) this.set({ state }, count);
      },
    });
  }
}
