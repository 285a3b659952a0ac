import { Queue, Worker } from 'bullmq';

const QUEUE = 'bench';
/** What has ended leaves no trace: that is the fastest. */
const FORGOTTEN = { removeOnComplete: true, removeOnFail: true };

/** BullMQ, whatever its store and wherever its processor runs. */
export class BullMqSystem {
  #setting;
  #ended;
  #queue;
  #worker;
  #times = {};

  constructor(_options, ended, setting) {
    this.#setting = setting;
    this.#ended = ended;
  }

  async prepare() {
    await this.#setting.migrate?.();
  }

  async submit(tasks) {
    await this.#opened().addBulk(
      tasks.map(({ type, params }) => ({ name: type, data: params, opts: FORGOTTEN })),
    );
  }

  async submitOne({ type, params }) {
    await this.#opened().add(type, params, FORGOTTEN);
  }

  async ready() {}

  async start() {
    const { processor, connection, backend, concurrency, useWorkerThreads = false } = this.#setting;
    this.#worker = new Worker(
      QUEUE,
      processor,
      { connection, concurrency, useWorkerThreads },
      ...given(backend),
    );
    this.#worker.on('error', (error) => console.error(error));
    this.#worker.on('completed', ({ name, data }, result) => {
      if (name === 'record-start') this.#times[data.number] = result;
      this.#ended();
    });
    await this.#worker.waitUntilReady();
  }

  async left() {
    const counts = await this.#opened().getJobCounts('wait', 'active', 'delayed', 'prioritized');
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
  }

  async starts() {
    return this.#times;
  }

  async stop() {
    await this.#worker?.close(true);
    await this.#queue?.close();
  }

  #opened() {
    const { connection, backend } = this.#setting;
    this.#queue ??= new Queue(QUEUE, { connection }, ...given(backend));
    return this.#queue;
  }
}

function given(backend) {
  return backend === undefined ? [] : [backend];
}
