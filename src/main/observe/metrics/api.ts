import type pg from 'pg';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { atMost } from '../../at-most.ts';
import type { QueuedType } from '../../database/statistics/queue.ts';
import type { Statistics } from '../../database/statistics/read.ts';
import type { Upkeep } from '../../database/statistics/upkeep.ts';
import type { HeddleEvent } from '../events.ts';
import { createRegistry, OTHER } from './registry.ts';

/** What an API process can tell of the database when it is asked. Both may fail, or take long. */
export interface ApiSources {
  pool: pg.Pool;
  statistics(): Promise<Statistics>;
  upkeep(): Promise<Upkeep>;
  /** Those that are alive, by their status. */
  runners(): Promise<Record<string, number>>;
}

type Value = readonly [labels: Record<string, string>, value: number];

/** The metrics of an API process: what it did, and how things stand in the database, for as long as that answers. */
export class ApiMetrics {
  readonly registry: Registry;
  readonly #submitted: Counter<'type'>;
  readonly #requests: Histogram<'method' | 'route' | 'status'>;

  constructor(sources: ApiSources) {
    this.registry = createRegistry(() => sources.pool);
    const registers = [this.registry];
    this.#submitted = new Counter({
      name: 'heddle_submitted_total',
      help: 'Tasks that this process has accepted.',
      labelNames: ['type'],
      registers,
    });
    this.#requests = new Histogram({
      name: 'heddle_http_request_duration_seconds',
      help: 'From a request until its answer, by its route.',
      labelNames: ['method', 'route', 'status'],
      buckets: REQUEST_SECONDS,
      registers,
    });
    this.#addTasks(sources);
    this.#addQueue(sources);
    this.#addUpkeep(sources);
    this.#addRunners(sources);
  }

  /** Takes note of an event. */
  note(event: HeddleEvent): void {
    if (event.event !== 'tasks_submitted') return;
    for (const [type, count] of Object.entries(event.by_type)) this.#submitted.inc({ type }, count);
  }

  /** Takes note of a request. @param route its pattern, never its path: that can be anything */
  answered(method: string, route: string, status: number, seconds: number): void {
    this.#requests.observe({ method, route, status }, seconds);
  }

  #addTasks({ statistics }: ApiSources): void {
    this.#addGauge('heddle_tasks', 'Tasks by status.', ['status'], statistics, ({ tasks }) =>
      Object.entries(tasks.by_status).map(([status, count]) => [{ status }, count]),
    );
  }

  #addQueue({ statistics }: ApiSources): void {
    this.#addGauge('heddle_queue_ready', 'Queued tasks that are due.', ['type'], statistics, ({ queue }) =>
      byType(queue.types, ({ ready }) => ready),
    );
    this.#addGauge(
      'heddle_queue_scheduled',
      'Queued tasks that are due later.',
      ['type'],
      statistics,
      ({ queue }) => byType(queue.types, ({ scheduled }) => scheduled),
    );
    this.#addGauge(
      'heddle_queue_oldest_ready_age_seconds',
      'How long the task has been due that has waited longest; 0 when none is.',
      [],
      statistics,
      ({ queue }) => [[{}, Math.max(0, ...byType(queue.types, ageOf, Math.max).map(([, age]) => age))]],
    );
    this.#addGauge(
      'heddle_queue_type_oldest_ready_age_seconds',
      'The same, by type.',
      ['type'],
      statistics,
      ({ queue }) => byType(queue.types, ageOf, Math.max),
    );
  }

  #addUpkeep({ upkeep }: ApiSources): void {
    this.#addGauge(
      'heddle_oldest_transaction_age_seconds',
      'How long the oldest transaction has been open: no dead row that is younger can be removed.',
      [],
      upkeep,
      ({ oldest_transaction_age_seconds: age }) => [[{}, age]],
    );
    this.#addGauge(
      'heddle_dead_tuples',
      'Rows of the table of tasks that are to be vacuumed away.',
      [],
      upkeep,
      ({ dead_tuples }) => [[{}, dead_tuples]],
    );
  }

  #addRunners({ runners }: ApiSources): void {
    this.#addGauge(
      'heddle_runners',
      'Runners that are alive, by their status.',
      ['status'],
      runners,
      (counts) => Object.entries(counts).map(([status, count]) => [{ status }, count]),
    );
  }

  /** A gauge of what the database knows. While that does not answer, it has no value. */
  #addGauge<T>(
    name: string,
    help: string,
    labelNames: string[],
    read: () => Promise<T>,
    valuesOf: (known: T) => Value[],
  ): void {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [this.registry],
      async collect() {
        const known = await inTime(read());
        this.reset();
        if (known !== undefined) for (const [labels, value] of valuesOf(known)) this.set(labels, value);
        else if (labelNames.length === 0) this.remove(); // A reset has made it 0.
      },
    });
  }
}

/** Anybody can insert tasks of any type by SQL: those of types that no runner has published are counted together. */
function byType(
  types: readonly QueuedType[],
  measure: (type: QueuedType) => number,
  together: (one: number, other: number) => number = (one, other) => one + other,
): Value[] {
  const values = new Map<string, number>();
  for (const each of types) {
    const label = each.is_known ? each.type : OTHER;
    values.set(label, together(values.get(label) ?? 0, measure(each)));
  }
  return [...values].map(([type, value]) => [{ type }, value]);
}

function ageOf({ oldest_ready_age_seconds }: QueuedType): number {
  return oldest_ready_age_seconds ?? 0;
}

/** @returns undefined when it fails, or takes so long that whoever asks would give up on everything */
async function inTime<T>(reading: Promise<T>): Promise<T | undefined> {
  let known: T | undefined;
  await atMost(
    PATIENCE_MS,
    reading.then(
      (read) => {
        known = read;
      },
      () => {},
    ),
  );
  return known;
}

const PATIENCE_MS = 2000;

/** A caller may wait for a minute. */
const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
