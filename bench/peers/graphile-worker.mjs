// graphile-worker, of whichever version, in the configuration that is fastest for what is measured.
import { EventEmitter } from 'node:events';
import pg from 'pg';
import { Starts, work } from './work.mjs';

export class GraphileSystem {
  #graphile;
  #options;
  #ended;
  #client;
  #utils;
  #runner;
  #starts = new Starts();

  constructor(graphile, options, ended) {
    this.#graphile = graphile;
    this.#options = options;
    this.#ended = ended;
  }

  async prepare() {
    await (await this.#connected()).migrate();
  }

  async submit(tasks) {
    const utils = await this.#connected();
    await utils.addJobs(
      tasks.map(({ type, params }) => ({ identifier: type, payload: params, maxAttempts: 1 })),
    );
  }

  async submitOne({ type, params }) {
    const utils = await this.#connected();
    await utils.addJob(type, params, { maxAttempts: 1 });
  }

  async ready() {}

  async start() {
    const { url, best, concurrency } = this.#options;
    const events = new EventEmitter();
    events.on('job:success', () => this.#ended());
    const setting = SETTINGS[best];
    this.#runner = await this.#graphile.run({
      connectionString: url,
      concurrency: concurrency ?? setting.concurrency,
      maxPoolSize: POOL,
      noHandleSignals: true,
      logger: this.#logger(),
      events,
      taskList: Object.fromEntries(
        Object.keys(work).map((type) => [type, (params) => this.#run(type, params)]),
      ),
      preset: { worker: setting.worker },
    });
  }

  async left() {
    this.#client ??= await this.#connect();
    const { rows } = await this.#client.query(
      'select count(*)::int as left from graphile_worker._private_jobs where attempts < max_attempts or locked_at is not null',
    );
    return rows[0].left;
  }

  async starts() {
    return this.#starts.times;
  }

  async stop() {
    await this.#runner?.stop();
    await this.#utils?.release();
    await this.#client?.end();
  }

  /** A task list's functions return no results. */
  async #run(type, params) {
    await this.#starts.run(type, params);
  }

  async #connected() {
    this.#utils ??= await this.#graphile.makeWorkerUtils({
      connectionString: this.#options.url,
      logger: this.#logger(),
    });
    return this.#utils;
  }

  async #connect() {
    const client = new pg.Client({ connectionString: this.#options.url });
    await client.connect();
    return client;
  }

  #logger() {
    return new this.#graphile.Logger(() => () => {});
  }
}

const POOL = 25;
const BATCHED = { completeJobBatchDelay: 0, failJobBatchDelay: 0 };

const SETTINGS = {
  throughput: { concurrency: 24, worker: { localQueue: { size: 500 }, ...BATCHED } },
  // Without a local queue, a notification leads a job to an idle worker at once.
  latency: { concurrency: 24, worker: BATCHED },
  waiting: { concurrency: 500, worker: { localQueue: { size: 1000 }, ...BATCHED } },
};
