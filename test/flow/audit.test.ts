import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pick, type Random, seeded } from '../soak/random.ts';
import { gapsIn, type Trail } from '../support/audit.ts';
import { FaultBench } from '../support/fault-bench.ts';
import type { Heddle } from '../support/heddle.ts';
import { waitFor } from '../support/wait-for.ts';

/* What is told of tasks whose runners are killed and stopped, while people run and cancel them one by one and in bulk. */

const SEED = Date.now() % 1_000_000;
const ACTS = [
  'succeed',
  'wait',
  'wait',
  'wait',
  'complete',
  'complete',
  'fail',
  'fail',
  'refuse',
  'snooze',
  'spin',
  'exit',
];

describe(`random histories (seed ${SEED})`, () => {
  let bench: FaultBench;
  let url: string;
  const random: Random = seeded(SEED);
  const runners: Heddle[] = [];
  const ids: string[] = [];
  before(async () => {
    bench = await FaultBench.open();
    runners.push(startRunner(), startRunner());
    const api = bench.heddle('api');
    url = String((await waitFor('the API', () => api.events('api_listening')[0], 30_000)).url);
    await waitFor('the task types', hasTypes, 30_000);
  });
  after(() => bench.close());

  it('are told without a gap, and every attempt once', async () => {
    for (let round = 0; round < 80; round++) {
      await pick(random, WHAT_HAPPENS)();
      if (round % 20 === 10) await end(round % 40 === 10 ? 'SIGKILL' : 'SIGTERM');
      await sleep(random() * 150);
    }
    await waitFor('everything to be at rest', isAtRest, 90_000);
    const wrong: Record<string, unknown> = {};
    for (const id of ids) {
      const trail = await trailOf(id);
      const gaps = gapsIn(trail);
      if (gaps.length > 0)
        wrong[id] = { gaps, events: trail.events.map((event) => Object.values(event).join(' ')) };
    }
    assert.deepEqual(wrong, {});
    const { rows } = await bench.query<{ outcome: string }>('select distinct outcome from task_attempts');
    assert.ok(
      rows.some(({ outcome }) => outcome === 'lost'),
      'a runner was killed that ran something',
    );
  });

  it('stay as they are when others are deleted, and go with their task', async () => {
    const [kept = '', gone = ''] = ids;
    const before = await trailOf(kept);
    await call('POST', `/tasks/${gone}/cancel`);
    await waitFor('its end', isAtRest);
    assert.equal((await call('DELETE', `/tasks/${gone}`)).status, 200);
    assert.deepEqual(await trailOf(kept), before);
    assert.equal((await call('GET', `/tasks/${gone}/events`)).status, 404);
  });

  const submit = async () => {
    const acts = Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick(random, ACTS));
    const depends = random() < 0.2 && ids.length > 0;
    const { json } = await call('POST', '/tasks', {
      ...{ type: 'act-out', params: { acts }, max_retries: Math.floor(random() * 5) },
      ...(random() < 0.15 && { run_immediately: false }),
      ...(random() < 0.15 && { delay_seconds: random() }),
      ...(depends && {
        depends_on: [pick(random, ids)],
        on_dependency_failure: pick(random, ['cancel', 'run']),
      }),
    });
    ids.push(json.id);
  };
  const byHand = (verb: string) => async () => {
    if (ids.length > 0) await call('POST', `/tasks/${pick(random, ids)}/${verb}`);
  };
  const inBulk = (verb: string) => async () => {
    const status = pick(random, ['created', 'queued', 'running', 'failed', 'cancelled']);
    await call('POST', `/tasks/${verb}`, { status });
  };
  const end = async (signal: NodeJS.Signals) => {
    const old = await waitFor('a runner that runs something', busyRunner, 60_000);
    runners.splice(runners.indexOf(old), 1, startRunner());
    old.child.kill(signal);
  };
  const busyRunner = async () => {
    const { rows } = await bench.query(
      `select pid from tasks t join runners r on r.id = t.runner_id where t.status = 'running'`,
    );
    if (rows.length === 0) await submit();
    return runners.find(({ child }) => rows.some(({ pid }) => pid === child.pid));
  };

  const WHAT_HAPPENS = [
    ...Array<() => Promise<void>>(10).fill(submit),
    ...[byHand('run'), byHand('run'), byHand('cancel'), byHand('cancel'), inBulk('run'), inBulk('cancel')],
  ];

  function startRunner(): Heddle {
    return bench.heddle('runner', { RUNNER_MODE: 'shared' });
  }

  // biome-ignore lint/suspicious/noExplicitAny: assertions are what checks the shape of answers
  async function call(method: string, path: string, body?: unknown): Promise<{ status: number; json: any }> {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${url}/api/v1${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    assert.ok(answer.status < 500, `${method} ${path}: ${answer.status}`);
    return { status: answer.status, json: await answer.json() };
  }

  async function trailOf(id: string): Promise<Trail> {
    const [task, events, attempts] = await Promise.all([
      call('GET', `/tasks/${id}`),
      call('GET', `/tasks/${id}/events`),
      call('GET', `/tasks/${id}/attempts`),
    ]);
    return { task: task.json, events: events.json.items, attempts: attempts.json.items };
  }

  async function hasTypes(): Promise<boolean> {
    return ((await bench.query('select from task_types')).rowCount ?? 0) > 0;
  }

  async function isAtRest(): Promise<boolean> {
    const { rowCount } = await bench.query(`select from tasks where status in ('queued', 'running')`);
    return rowCount === 0;
  }
});
