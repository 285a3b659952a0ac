// pg-boss. A batch is fetched by one statement and settled by one, all of it completed or all of it failed.
import pg from 'pg';
import { PgBoss } from 'pg-boss';
import { Starts } from './work.mjs';

export const open = (options, ended) => new PgBossSystem(options, ended);

const QUEUE = 'bench';

class PgBossSystem {
  #options;
  #ended;
  #boss;
  #client;
  #starts = new Starts();

  constructor(options, ended) {
    this.#options = options;
    this.#ended = ended;
  }

  async prepare() {
    const boss = await this.#started();
    await boss.createQueue(QUEUE, { retryLimit: 0, expireInSeconds: 60, notify: true });
  }

  async submit(tasks) {
    const boss = await this.#started();
    await boss.insert(
      QUEUE,
      tasks.map((data) => ({ data, ...expiry(data) })),
    );
  }

  async submitOne(task) {
    const boss = await this.#started();
    await boss.send(QUEUE, task, expiry(task));
  }

  async ready() {}

  async start() {
    const boss = await this.#started();
    await boss.work(QUEUE, SETTINGS[this.#options.best], (jobs) => this.#run(jobs));
  }

  async left() {
    if (this.#client === undefined) {
      this.#client = new pg.Client({ connectionString: this.#options.url });
      await this.#client.connect();
    }
    const { rows } = await this.#client.query(
      "select count(*)::int as left from pgboss.job where name = 'bench' and state < 'completed'",
    );
    return rows[0].left;
  }

  async starts() {
    return this.#starts.times;
  }

  async stop() {
    await this.#boss?.stop({ graceful: false });
    await this.#client?.end();
  }

  async #run(jobs) {
    await Promise.all(jobs.map(({ data: { type, params } }) => this.#starts.run(type, params)));
    for (let left = jobs.length; left > 0; left--) this.#ended();
  }

  async #started() {
    if (this.#boss === undefined) {
      this.#boss = new PgBoss({
        connectionString: this.#options.url,
        useListenNotify: true,
        supervise: false,
        schedule: false,
      });
      this.#boss.on('error', (error) => console.error(error));
      await this.#boss.start();
    }
    return this.#boss;
  }
}

/** Its own timeout, for what may spin. */
function expiry({ type }) {
  return type === 'spin-if-told' ? { expireInSeconds: 2 } : {};
}

const SETTINGS = {
  throughput: { batchSize: 5000, localConcurrency: 4, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 },
  latency: { batchSize: 1, localConcurrency: 8, pollingIntervalSeconds: 0.5 },
  waiting: { batchSize: 500, localConcurrency: 4, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 },
};
