import { fileURLToPath } from 'node:url';
import { FaultBench } from './fault-bench.ts';
import type { Heddle } from './heddle.ts';
import { lintMetrics, type Sample, sampleOf } from './lint-metrics.ts';
import { waitFor } from './wait-for.ts';

type Who = 'api' | 'runner';

/** `heddle start` with the tasks of test/fixtures/tasks, and what its two processes tell Prometheus. */
export class ObservedHeddle {
  readonly bench: FaultBench;
  readonly heddle: Heddle;
  readonly api: string;

  static async start(): Promise<ObservedHeddle> {
    const bench = await FaultBench.open();
    const heddle = bench.heddle('start', { TASKS_DIR });
    return new ObservedHeddle(bench, heddle, await heddle.ready());
  }

  private constructor(bench: FaultBench, heddle: Heddle, api: string) {
    this.bench = bench;
    this.heddle = heddle;
    this.api = api;
  }

  stop(): Promise<void> {
    return this.bench.close();
  }

  /** Where the runner listens that was started last. */
  get runner(): string {
    return String(this.heddle.events('runner_listening').at(-1)?.url);
  }

  async post(path: string, body: unknown = {}): Promise<{ id: string }> {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${this.api}/api/v1${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { id: string };
  }

  /** @returns the new task's id */
  async submit(type: string, params: unknown = {}, options: Record<string, unknown> = {}): Promise<string> {
    return (await this.post('/tasks', { type, params, ...options })).id;
  }

  /** Waits until each of these tasks has ended. */
  async finished(...ids: string[]): Promise<void> {
    for (const id of ids) await this.bench.finished(id);
  }

  async scrape(who: Who): Promise<Sample[]> {
    return lintMetrics(await (await fetch(`${who === 'api' ? this.api : this.runner}/metrics`)).text());
  }

  /** Waits until a metric has such a value, and returns that. */
  async reaches(
    who: Who,
    name: string,
    labels: Record<string, string>,
    isReached: (value: number) => boolean,
  ): Promise<number> {
    return waitFor(
      `${name}${JSON.stringify(labels)} of the ${who}`,
      async () => {
        const value = sampleOf(await this.scrape(who), name, labels);
        return value !== undefined && isReached(value) ? { value } : null;
      },
      30_000,
    ).then(({ value }) => value);
  }
}

const TASKS_DIR = fileURLToPath(new URL('../fixtures/tasks', import.meta.url));
