import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { BenchOptions, Row } from './support/bench.ts';
import { residentMegabytes } from './support/resident.ts';
import { slope } from './support/statistics.ts';
import { HEDDLE } from './systems/contenders.ts';
import { Feed } from './systems/feed.ts';
import type { Hosted } from './systems/hosted.ts';
import { Session } from './systems/session.ts';

/** A runner's memory while it runs no-op tasks as fast as it can, for long. */
export async function memory({ quick, minutes = quick ? 0.5 : 10, say }: BenchOptions): Promise<Row[]> {
  return Session.with(HEDDLE, async (session) => {
    const caller = await session.caller();
    const runner = await session.runner({ best: 'throughput' });
    await runner.ask('start');
    const pruning = new Pruning(session.store.url);
    const feed = new Feed(caller, runner, LEAST_QUEUED);
    const samples = await watch(runner, minutes, say);
    await feed.end();
    await pruning.end();
    return [toRow(samples, minutes, await runner.ask('ended'))];
  });
}

const LEAST_QUEUED = 5000;
const EVERY_MS = 5000;
const MOST_GROWTH = 1;

interface Sample {
  minutes: number;
  megabytes: number;
}

async function watch(runner: Hosted, minutes: number, say: (line: string) => void): Promise<Sample[]> {
  const samples: Sample[] = [];
  const startedAt = performance.now();
  let saidAt = 0;
  for (;;) {
    await sleep(EVERY_MS);
    const sample = {
      minutes: (performance.now() - startedAt) / 60_000,
      megabytes: residentMegabytes(runner.pid),
    };
    samples.push(sample);
    if (sample.minutes - saidAt >= 1 || sample.minutes >= minutes) {
      saidAt = sample.minutes;
      const ended = (await runner.ask('ended')).toLocaleString('en');
      say(`${sample.minutes.toFixed(1)} minutes: ${sample.megabytes.toFixed(0)} MB, ${ended} tasks`);
    }
    if (sample.minutes >= minutes) return samples;
  }
}

/** What it is in its first half depends on how soon V8 looks for garbage. */
function toRow(samples: readonly Sample[], minutes: number, tasks: number): Row {
  const half = samples.slice(Math.floor(samples.length / 2));
  const growth = slope(half.map((sample) => [sample.minutes, sample.megabytes]));
  const [least, most] = [Math.min, Math.max].map((of) => of(...half.map(({ megabytes }) => megabytes)));
  return {
    what: `memory of a runner that runs ${tasks.toLocaleString('en')} tasks in ${minutes} minutes, in the second half`,
    target: `≤ ${MOST_GROWTH} MB a minute`,
    measured: `${growth.toFixed(2)} MB a minute; ${least?.toFixed(0)} to ${most?.toFixed(0)} MB resident`,
    met: growth <= MOST_GROWTH,
  };
}

/** Deletes what has ended, so that the table does not grow: by days, as the leader counts, none of it would be old. */
class Pruning {
  readonly #client: pg.Client;
  readonly #ended: Promise<void>;
  #on = true;

  constructor(databaseUrl: string) {
    this.#client = new pg.Client({ connectionString: databaseUrl });
    this.#ended = this.#run();
  }

  async end(): Promise<void> {
    this.#on = false;
    await this.#ended;
    await this.#client.end();
  }

  async #run(): Promise<void> {
    await this.#client.connect();
    for (; this.#on; await sleep(PRUNE_EVERY_MS)) await this.#client.query(PRUNE);
  }
}

const PRUNE_EVERY_MS = 1000;
const PRUNE = "delete from tasks where status = 'completed' and finished_at < now() - interval '5 seconds'";
