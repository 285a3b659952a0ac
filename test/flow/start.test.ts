import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { isAlive } from '../../src/main/is-alive.ts';
import { createTestDatabase } from '../support/database.ts';
import { Heddle } from '../support/heddle.ts';
import { sample } from '../support/samples.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { waitFor } from '../support/wait-for.ts';

/* `heddle start` as a newcomer meets it: one process to start and stop, a database of its own, and real faults. */

const TASKS_DIR = fileURLToPath(new URL('../fixtures/tasks', import.meta.url));
let directory: string;
let env: Record<string, string>;

before(async () => {
  directory = await temporaryDirectory();
  env = {
    PORT: '0',
    THREADS: '2',
    TASKS_DIR,
    STOP_GRACE_SECONDS: '5',
    HEDDLE_DATA_DIR: `${directory}/.heddle`,
  };
});

after(() => rm(directory, { recursive: true, force: true }));

test('a task that is submitted over HTTP comes out of a thread, and a PDF as text', async () => {
  const heddle = new Heddle(['start'], env, directory);
  const api = `${await heddle.ready()}/api/v1`;
  const task = await post(`${api}/tasks`, {
    type: 'example-database-task',
    params: { message: 'hi', count: 2 },
  });
  assert.deepEqual([task.status, task.result], ['completed', { message: 'hi', count: 2 }]);

  const form = new FormData();
  form.set('file', new Blob([await sample('debian-faq.en.pdf')]), 'debian-faq.en.pdf');
  const answer = await fetch(`${api}/documents`, { method: 'POST', body: form });
  const document = (await answer.json()) as { id: string };
  const text = await waitFor('the text', () => textOf(`${api}/documents/${document.id}/text`), 30_000);
  assert.match(text, /The Debian GNU\/Linux FAQ/);
  assert.equal(await heddle.stop('SIGINT'), 0);
});

test('a second start on the same data says who has it, and leaves the first alone', async () => {
  const first = new Heddle(['start'], env, directory);
  const api = await first.ready();
  const second = new Heddle(['start'], env, directory);
  assert.equal(await second.ended, 1);
  assert.match(
    second.stderr,
    new RegExp(`another heddle start \\(pid ${first.child.pid}\\) is using .*; stop it, or`),
  );
  assert.equal((await fetch(`${api}/health`)).status, 200);
  assert.equal(await first.stop(), 0);
});

test('a killed runner is started again, and its task runs again', async () => {
  const heddle = new Heddle(['start'], env, directory);
  const url = await heddle.ready();
  const task = `${url}/api/v1/tasks/${await submitWait(url, 1500)}`;
  await waitFor('the task to run', () => has(task, 'running'));
  process.kill(await heddle.runnerPid(url), 'SIGKILL');
  await waitFor('the task to complete', () => has(task, 'completed'), 20_000);
  assert.deepEqual(await outcomes(task), ['lost', 'succeeded']);
  assert.equal(heddle.events('runner_died').length, 1);
  assert.equal(await heddle.stop(), 0);
});

test('a runner that is killed before it is ready is started again', async () => {
  const heddle = new Heddle(['start'], env, directory);
  const runner = await waitFor('the runner', () => runnerOf(heddle), 30_000);
  process.kill(runner, 'SIGKILL');
  await heddle.ready();
  assert.deepEqual(
    heddle.events('runner_died').map(({ signal }) => signal),
    ['SIGKILL'],
  );
  assert.equal(await heddle.stop(), 0);
});

test('after a kill of everything by force, the next start has every accepted task and runs it', async () => {
  const first = new Heddle(['start'], env, directory);
  const url = await first.ready();
  const id = await submitWait(url, 1500);
  await waitFor('the task to run', () => has(`${url}/api/v1/tasks/${id}`, 'running'));
  process.kill(await first.runnerPid(url), 'SIGKILL');
  await first.stop('SIGKILL');

  const next = new Heddle(['start'], env, directory);
  const task = `${await next.ready()}/api/v1/tasks/${id}`;
  await waitFor('the task to complete', () => has(task, 'completed'), 20_000);
  assert.equal(await next.stop(), 0);
});

test('a runner whose start was killed stops by itself', async () => {
  const first = new Heddle(['start'], env, directory);
  const runner = await first.runnerPid(await first.ready());
  await first.stop('SIGKILL');
  await waitFor('the runner to end', () => !isAlive(runner), 15_000);

  const next = new Heddle(['start'], env, directory);
  await next.ready();
  assert.equal(await next.stop(), 0);
});

test('SIGTERM lets a short task finish, and gives a long one back without using up its attempt', async () => {
  const heddle = new Heddle(['start'], env, directory);
  const url = await heddle.ready();
  const short = await submitWait(url, 1000);
  const long = await submitWait(url, 60_000);
  for (const id of [short, long])
    await waitFor('the task to begin', () => speaks(`${url}/api/v1/tasks/${id}`));
  assert.equal(await heddle.stop(), 0);

  const next = new Heddle(['start'], { ...env, STOP_GRACE_SECONDS: '0' }, directory);
  const tasks = `${await next.ready()}/api/v1/tasks`;
  assert.equal((await get(`${tasks}/${short}`)).status, 'completed');
  assert.equal((await outcomes(`${tasks}/${long}`))[0], 'given_back');
  await waitFor('the long one to run again', () => has(`${tasks}/${long}`, 'running'));
  assert.equal((await get(`${tasks}/${long}`)).attempt, 1);
  assert.equal(await next.stop(), 0);
});

test('every wrong setting is told by name, never a secret, and nothing is started', async () => {
  const wrong = {
    PORT: 'http',
    TASKS_DIR: '/there/is/none',
    THREADS: '0',
    RUNNER_MODE: 'both',
    API_TOKENS: 'geheim',
  };
  const heddle = new Heddle(['start'], { ...env, ...wrong }, directory);
  assert.equal(await heddle.ended, 2);
  for (const name of Object.keys(wrong)) assert.match(heddle.stderr, new RegExp(`^ {2}${name}: `, 'm'));
  assert.doesNotMatch(heddle.stderr, /geheim/);
  assert.equal(heddle.stdout, '');
});

test('a runner that cannot start says why, and start ends with its exit code', async () => {
  const database = await createTestDatabase();
  const url = Object.assign(new URL(database.url), { password: 'very-secret' }).href;
  const heddle = new Heddle(['start'], { ...env, DATABASE_URL: url }, directory);
  assert.equal(await heddle.ended, 5);
  assert.match(heddle.stderr, /^heddle: .*password authentication failed/m);
  assert.match(heddle.stderr, /^heddle: the runner could not start \(exit code 5\)$/m);
  assert.doesNotMatch(heddle.stderr + heddle.stdout, /very-secret/);
  await database.drop();
});

/** The process that it has started as its runner, from the first moment on. */
async function runnerOf({ child }: Heddle): Promise<number | undefined> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,args=']);
  const line = stdout
    .split('\n')
    .find((one) => one.includes('cli.js runner') && Number(one.trim().split(/\s+/)[1]) === child.pid);
  return line === undefined ? undefined : Number.parseInt(line, 10);
}

interface Task {
  id: string;
  status: string;
  attempt: number;
  result: unknown;
}

async function post(url: string, body: unknown, waitSeconds = 20): Promise<Task> {
  const headers = { 'Content-Type': 'application/json', Prefer: `wait=${waitSeconds}` };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  assert.equal(answer.status, 201, await answer.clone().text());
  return (await answer.json()) as Task;
}

/** @returns the id of a task that waits, and may be tried twice */
async function submitWait(url: string, ms: number): Promise<string> {
  return (await post(`${url}/api/v1/tasks`, { type: 'wait', params: { ms }, max_retries: 1 }, 0)).id;
}

async function get(url: string): Promise<Task> {
  return (await (await fetch(url)).json()) as Task;
}

async function has(url: string, status: string): Promise<boolean> {
  return (await get(url)).status === status;
}

/** What is claimed counts as running, and may not have begun. */
async function speaks(task: string): Promise<boolean> {
  const { items } = (await (await fetch(`${task}/logs`)).json()) as { items: unknown[] };
  return items.length > 0;
}

async function outcomes(task: string): Promise<string[]> {
  const { items } = (await (await fetch(`${task}/attempts`)).json()) as { items: { outcome: string }[] };
  return items.map((attempt) => attempt.outcome);
}

async function textOf(url: string): Promise<string | undefined> {
  const answer = await fetch(url);
  return answer.ok ? answer.text() : undefined;
}
