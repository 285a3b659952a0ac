// DBOS: a durable workflow for each task, through one of its queues. Its client has no call for many.
import { DBOS, DBOSClient } from '@dbos-inc/dbos-sdk';
import pg from 'pg';
import { Starts } from './work.mjs';

export const open = (options, ended) => new DbosSystem(options, ended);

const QUEUE = 'bench';
const WORKFLOW = 'task';
/** Submissions at a time: as many as its pool has connections. */
const AT_ONCE = 20;
const SILENT = { info() {}, debug() {}, warn() {}, error: console.error };

class DbosSystem {
  #options;
  #ended;
  #client;
  #pg;
  #launched = false;
  #starts = new Starts();

  constructor(options, ended) {
    this.#options = options;
    this.#ended = ended;
  }

  /** Its schema is made by a launch. */
  async prepare() {
    await this.#launch();
    await DBOS.registerQueue(QUEUE, this.#queue());
    await DBOS.shutdown();
    this.#launched = false;
  }

  async submit(tasks) {
    const left = tasks.values();
    const submitLeft = async () => {
      for (const task of left) await this.submitOne(task);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, submitLeft));
  }

  async submitOne({ type, params }) {
    this.#client ??= await DBOSClient.create({
      systemDatabaseUrl: this.#options.url,
      systemDatabasePoolSize: AT_ONCE,
      applicationName: QUEUE,
      logger: SILENT,
    });
    const timeout = type === 'spin-if-told' ? { workflowTimeoutMS: 2000 } : {};
    await this.#client.enqueue({ queueName: QUEUE, workflowName: WORKFLOW, ...timeout }, type, params);
  }

  async ready() {
    DBOS.registerWorkflow((type, params) => this.#run(type, params), { name: WORKFLOW });
  }

  async start() {
    await this.#launch();
    await DBOS.registerQueue(QUEUE, this.#queue());
  }

  async left() {
    if (this.#pg === undefined) {
      this.#pg = new pg.Client({ connectionString: this.#options.url });
      await this.#pg.connect();
    }
    const { rows } = await this.#pg.query(
      "select count(*)::int as left from dbos.workflow_status where status in ('ENQUEUED', 'PENDING') and queue_name = $1",
      [QUEUE],
    );
    return rows[0].left;
  }

  async starts() {
    return this.#starts.times;
  }

  async stop() {
    if (this.#launched) await DBOS.shutdown();
    await this.#client?.destroy();
    await this.#pg?.end();
  }

  async #run(type, params) {
    const result = await this.#starts.run(type, params);
    this.#ended();
    return result;
  }

  #queue() {
    const workerConcurrency = this.#options.best === 'waiting' ? 500 : 50;
    return { minPollingIntervalMs: 10, workerConcurrency, onConflict: 'always_update' };
  }

  async #launch() {
    DBOS.setConfig({
      name: QUEUE,
      systemDatabaseUrl: this.#options.url,
      systemDatabasePoolSize: AT_ONCE,
      logger: SILENT,
    });
    await DBOS.launch();
    this.#launched = true;
  }
}
