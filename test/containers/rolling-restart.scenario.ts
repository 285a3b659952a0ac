import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { Balancer } from './support/balancer.ts';
import { Deployment } from './support/deployment.ts';
import { docker } from './support/docker.ts';
import { tell } from './support/table.ts';

/* The APIs are restarted one after the other, behind a balancer that tries nothing twice, and nobody may notice. */

const deployment = new Deployment();
const balancer = new Balancer();
let url: string;

before(async () => {
  await deployment.up('--scale', 'api=2');
  url = await balancer.start(await deployment.urls());
});
after(async () => {
  await balancer.stop();
  await deployment.down();
});

it('a rolling restart of the API under load fails no request, and loses no task', async () => {
  const load = new Load(url, 8);
  load.start();
  for (const { Id } of await deployment.containers('api')) {
    await docker(['restart', '--time', '30', Id]);
    await deployment.healthy(Id);
    await balancer.setBackends(await deployment.urls());
  }
  await load.stop();
  tell('rolling restart of two APIs', `${load.answered} requests, ${load.failures.length} failed`);
  assert.deepEqual(load.failures, []);
  assert.ok(load.answered > 200, `only ${load.answered} requests were made`);

  const client = await deployment.client();
  for (const id of load.accepted)
    assert.equal((await client.wait(id, { timeoutSeconds: 60 })).status, 'completed');
});

/** Callers that submit a task and ask for it, one request after the other, over connections that they keep. */
class Load {
  answered = 0;
  readonly accepted: string[] = [];
  readonly failures: string[] = [];
  readonly #url: string;
  readonly #callers: number;
  #stopped = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(to: string, callers: number) {
    this.#url = `${to}/api/v1/tasks`;
    this.#callers = callers;
  }

  start(): void {
    this.#running = Promise.all(Array.from({ length: this.#callers }, () => this.#call()));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #call(): Promise<void> {
    const body = JSON.stringify({ type: 'example-database-task', params: { message: 'load', count: 1 } });
    while (!this.#stopped) {
      const task = await this.#ask(this.#url, 201, { method: 'POST', body, headers: JSON_TYPE });
      if (task === undefined) continue;
      this.accepted.push(task.id);
      await this.#ask(`${this.#url}/${task.id}`, 200, { headers: { prefer: 'wait=2' } });
    }
  }

  async #ask(address: string, expected: number, init: RequestInit): Promise<{ id: string } | undefined> {
    try {
      const answer = await fetch(address, init);
      const text = await answer.text();
      this.answered++;
      if (answer.status === expected) return JSON.parse(text) as { id: string };
      this.failures.push(`${init.method ?? 'GET'}: ${answer.status} ${text}`);
    } catch (error) {
      this.failures.push(`${init.method ?? 'GET'}: ${(error as Error).message}`);
    }
    return undefined;
  }
}

const JSON_TYPE = { 'content-type': 'application/json' };
