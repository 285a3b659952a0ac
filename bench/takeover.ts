import { rm } from 'node:fs/promises';
import { type Submission, submit } from '../src/main/engine/submit.ts';
import { TaskTypeCatalogue } from '../src/main/engine/task-types.ts';
import { createTestDatabase, type TestDatabase } from '../test/support/database.ts';
import { Heddle } from '../test/support/heddle.ts';
import { temporaryDirectory } from '../test/support/temporary-directory.ts';
import { waitFor } from '../test/support/wait-for.ts';
import type { BenchOptions, Row } from './support/bench.ts';
import { median, spread } from './support/statistics.ts';
import { TASKS, THREADS } from './support/task-types.ts';

/**
 * How long nothing runs when the leader is killed and another runner of its host stands by, or is started again: real
 * processes.
 */
export async function takeover({ quick, say }: BenchOptions): Promise<Row[]> {
  const database = await createTestDatabase();
  const directory = await temporaryDirectory();
  const runners: Heddle[] = [];
  const taken: Taken[] = [];
  const restarted: number[] = [];
  try {
    runners.push(await startRunner(database.url, directory, 'leader_elected'));
    for (let round = 0; round < (quick ? 2 : 5); round++) {
      const leader = runners[round] as Heddle;
      runners.push(await startRunner(database.url, directory, 'runner_standby'));
      const one = await killAndTime(leader, database);
      say(
        `its task runs again after ${Math.round(one.rescuedMs)} ms, a new one has run after ${Math.round(one.newMs)} ms`,
      );
      taken.push(one);
    }
    for (let round = 0; round < taken.length; round++) {
      const start = () => startRunner(database.url, directory, 'leader_elected');
      restarted.push(await killAndStart(runners.at(-1) as Heddle, start, runners, database));
      say(`${Math.round(restarted.at(-1) as number)} ms after a new process is seen, it runs the task`);
    }
  } finally {
    for (const runner of runners) await runner.stop();
    await database.drop();
    await rm(directory, { recursive: true, force: true });
  }
  const rescued = taken.map(({ rescuedMs }) => rescuedMs);
  const fresh = taken.map(({ newMs }) => newMs);
  return [
    toRow('the standby runs its task', rescued),
    toRow('the standby has run a new task', fresh),
    toRow('started again, it runs the task', restarted),
  ];
}

/** In milliseconds after the kill. */
interface Taken {
  /** The task that the leader ran was claimed by the standby. */
  rescuedMs: number;
  /** A task that was submitted right after the kill had run. */
  newMs: number;
}

const TARGET_MS = 1000;

/** Ready, and in its role. */
async function startRunner(databaseUrl: string, directory: string, role: string): Promise<Heddle> {
  const env = { DATABASE_URL: databaseUrl, THREADS: String(THREADS), TASKS_DIR: TASKS, RUNNER_PORT: '0' };
  const runner = new Heddle(['runner'], env, directory);
  const isReady = () => runner.events('runner_started').length > 0 && runner.events(role).length > 0;
  await waitFor(`a runner to say ${role}`, isReady, 30_000);
  return runner;
}

async function killAndTime(leader: Heddle, database: TestDatabase): Promise<Taken> {
  const held = await add(database, { type: 'hold', params: { ms: HOLD_MS } });
  await waitFor('the task to run', async () => (await read(database, held)).status === 'running');
  const killedAt = Date.now();
  leader.child.kill('SIGKILL');
  const fresh = await add(database, { type: 'no-op', params: {} });
  await waitFor('a new task to run', async () => (await read(database, fresh)).status === 'completed');
  await waitFor('the rescued task to run', async () => (await read(database, held)).status === 'completed');
  const [rescued, ran] = [await read(database, held), await read(database, fresh)];
  if (rescued.attempt !== 2)
    throw new Error(`the task was to run twice, and had ${rescued.attempt} attempts`);
  return { rescuedMs: rescued.started_ms - killedAt, newMs: ran.finished_ms - killedAt };
}

/** @returns how long after the first heartbeat of a new process the task runs again, in milliseconds */
async function killAndStart(
  leader: Heddle,
  start: () => Promise<Heddle>,
  runners: Heddle[],
  database: TestDatabase,
): Promise<number> {
  const held = await add(database, { type: 'hold', params: { ms: HOLD_MS } });
  await waitFor('the task to run', async () => (await read(database, held)).status === 'running');
  leader.child.kill('SIGKILL');
  await leader.ended;
  runners.push(await start());
  await waitFor('the rescued task to run', async () => (await read(database, held)).status === 'completed');
  const { rows } = await database.pool().query<{ ms: number }>(SEEN_UNTIL_RUN, [held]);
  return (rows[0] as { ms: number }).ms;
}

/** Longer than the leader has to live once it runs. */
const HOLD_MS = 500;

async function add(database: TestDatabase, submission: Submission): Promise<string> {
  const pool = database.pool();
  const [submitted] = await submit(pool, new TaskTypeCatalogue(pool), [submission], 'bench');
  return submitted?.task.id as string;
}

interface TaskTimes {
  status: string;
  attempt: number;
  started_ms: number;
  finished_ms: number;
}

async function read(database: TestDatabase, id: string): Promise<TaskTimes> {
  const { rows } = await database.pool().query<TaskTimes>(TASK_TIMES, [id]);
  return rows[0] as TaskTimes;
}

/** By the clock of this machine, on which the server is. */
const TASK_TIMES = `
select status, attempt, extract(epoch from started_at)::float8 * 1000 as started_ms,
  extract(epoch from finished_at)::float8 * 1000 as finished_ms
from tasks where id = $1`;

/** $1 a task: from the first heartbeat of the runner that ran it until it ran. */
const SEEN_UNTIL_RUN = `
select extract(epoch from t.started_at - r.started_at)::float8 * 1000 as ms
from tasks t join runners r on r.id = t.runner_id
where t.id = $1`;

function toRow(what: string, times: number[]): Row {
  return {
    what: `kill -9 of the leader, ${times.length} times: ${what}`,
    target: `< ${TARGET_MS / 1000} s`,
    measured: `${spread(times)} ms`,
    met: median(times) < TARGET_MS,
  };
}
