import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/*
 * GETs one URL at a steady rate, whether the ones before were answered or not: `paced-gets.js URL CONNECTIONS SECONDS
 * RATE`. Sends how long each took in milliseconds, from when it was due. autocannon makes all requests of a second as
 * fast as it can.
 */

const [url = '', connections, seconds, rate] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) });
const gapMs = 1000 / Number(rate);
const count = Number(seconds) * Number(rate);
const start = performance.now();

const answers: Promise<number>[] = [];
while (answers.length < count) {
  while (answers.length < count && dueAt(answers.length) <= performance.now()) {
    answers.push(timeOf(dueAt(answers.length)));
  }
  await sleep(1);
}
process.send?.(await Promise.all(answers));
agent.destroy();

function dueAt(index: number): number {
  return start + index * gapMs;
}

async function timeOf(due: number): Promise<number> {
  const [response] = await once(get(url, { agent }), 'response');
  response.resume();
  await once(response, 'end');
  if (response.statusCode !== 200) throw new Error(`${url}: answered with ${response.statusCode}`);
  return performance.now() - due;
}
