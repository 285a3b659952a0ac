import type pg from 'pg';
import { connect } from '../../src/main/database/connect.ts';
import { publishTaskTypes } from '../../src/main/engine/publish.ts';
import { submit } from '../../src/main/engine/submit.ts';
import { TaskTypeCatalogue } from '../../src/main/engine/task-types.ts';
import { learnTaskTypes } from '../support/task-types.ts';
import { BenchTenure } from '../support/tenure.ts';
import type { System, SystemOptions, Task } from './system.ts';

/** Heddle with everything that a runner has: lease, election, rescue, schedules, statistics, metrics. */
export function open(options: SystemOptions, ended: () => void): System {
  return new HeddleSystem(options, ended);
}

export class HeddleSystem implements System {
  readonly #options: SystemOptions;
  readonly #ended: () => void;
  readonly #pool: pg.Pool;
  readonly #catalogue: TaskTypeCatalogue;
  #tenure: BenchTenure | undefined;

  constructor(options: SystemOptions, ended: () => void) {
    this.#options = options;
    this.#ended = ended;
    this.#pool = connect(options.url, 'heddle bench', () => {});
    this.#catalogue = new TaskTypeCatalogue(this.#pool);
  }

  async prepare(): Promise<void> {
    await publishTaskTypes(this.#pool, await learnTaskTypes(this.#options.url));
  }

  async submit(tasks: readonly Task[]): Promise<void> {
    await submit(this.#pool, this.#catalogue, tasks, 'bench');
  }

  async submitOne(task: Task): Promise<void> {
    await this.submit([task]);
  }

  async ready(): Promise<void> {
    const { url, concurrency, shared } = this.#options;
    const threads = concurrency === undefined ? {} : { THREADS: String(concurrency) };
    const mode = shared ? { RUNNER_MODE: 'shared' } : {};
    this.#tenure = await BenchTenure.prepare(url, { env: { ...threads, ...mode } });
    this.#tenure.heard.each(this.#ended);
  }

  async start(): Promise<void> {
    await this.#tenure?.start();
  }

  async left(): Promise<number> {
    const { rows } = await this.#pool.query<{ left: number }>(LEFT);
    return rows[0]?.left ?? 0;
  }

  async starts(): Promise<Record<number, string>> {
    const { rows } = await this.#pool.query<{ number: number; at: string }>(STARTS);
    return Object.fromEntries(rows.map(({ number, at }) => [number, at]));
  }

  async stop(): Promise<void> {
    await this.#tenure?.stop();
    await this.#pool.end();
  }
}

/** Other benchmarks may have queued what no runner here can run. */
const LEFT = `
select count(*)::int as left from tasks
where status in ('queued', 'running') and type = any(array(select name from task_types))`;
const STARTS = `
select (params->>'number')::int as number, result #>> '{}' as at
from tasks where type = 'record-start' and status = 'completed'`;
