import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Heddle } from '../support/heddle.ts';
import { Site } from '../support/site.ts';
import { waitFor } from '../support/wait-for.ts';

/* What a database can do to the processes that live by it. None of them ends, and no task is lost or done twice. */

let site: Site;
before(async () => {
  site = await Site.start();
});
after(() => site?.stop());

describe('one runner and one API live through', () => {
  let runner: Heddle;
  let api: Heddle;
  let url: string;
  before(async () => {
    runner = site.runner();
    ({ api, url } = await site.api());
    await leads(runner);
  });
  after(async () => {
    assert.deepEqual(await Promise.all([runner.stop(), api.stop()]), [0, 0]);
  });

  afterEach(async () => {
    assert.deepEqual(await site.violations(), []);
    assertUnharmed(runner);
    assertUnharmed(api);
    assert.deepEqual(runner.events('lease_lost'), [], 'its lease outlives all this');
    await assertApiWorks();
  });

  it('a restart of PostgreSQL in the middle of a stream of tasks', async () => {
    await amidStream(async () => {
      await site.server.stop();
      await assertApiSaysAway();
      await site.server.start();
    });
  });

  it('a crash of PostgreSQL: what ended while it was away is written when it is back', async () => {
    const id = await site.submit('rest', { ms: 1000 });
    await site.reaches(id, 'running');
    const endsBefore = Date.now() + 1500;
    await amidStream(async () => {
      await site.server.crash();
      await assertApiSaysAway();
      await sleep(endsBefore - Date.now());
      await site.server.start();
    });
    const task = await site.reaches(id, 'completed');
    assert.deepEqual([task.attempt, await site.attempts(id)], [1, []]);
    assert.ok(Number(task.finished_at) < endsBefore, 'its end is when it ended, not when that was written');
  });

  it('five seconds in which all its connections are ended again and again', async () => {
    const statuses = new Set<number>();
    await amidStream(async () => {
      for (let storm = 0; storm < 25; storm++) {
        await site.endSessions();
        const [answer] = await Promise.all([submitByApi(), sleep(200)]);
        statuses.add(answer.status);
      }
    });
    assert.ok(
      [...statuses].every((status) => status === 201 || status === 503),
      [...statuses].join(),
    );
  });

  it('a server that has too many connections', async () => {
    await amidStream(async () => {
      const hoard = new Hoard();
      try {
        const refused = () => runner.events('database_error').some(({ code }) => code === '53300');
        await waitFor('the API and the runner to have none left', async () => {
          await site.endSessions();
          await hoard.fill();
          const answers = [await call('/api/v1/tasks'), await submitByApi(), await call('/health')];
          for (const answer of answers.slice(0, 2)) if (!answer.ok) assertSaysAway(answer);
          return answers.every(({ status }) => status === 503) && refused();
        });
        assert.equal((await call('/health/live')).status, 200);
      } finally {
        await hoard.end();
      }
    });
  });

  it('a database that can only be read', async () => {
    await amidStream(async () => {
      await setForAll('default_transaction_read_only', 'on');
      await site.endSessions();
      await waitFor('the API to notice', async () => (await submitByApi()).status === 503);
      assertSaysAway(await submitByApi());
      assert.equal((await call('/api/v1/tasks')).status, 200, 'it can be read');
      await waitFor('the runner to notice', () =>
        runner.events('database_error').some(({ code }) => code === '25006'),
      );
      await setForAll('default_transaction_read_only', 'off');
    });
  });

  it('a statement timeout while somebody has locked the table of tasks', async () => {
    await site.database.query("alter role site set statement_timeout = '50ms'");
    await site.endSessions();
    await amidStream(async () => {
      const before = runner.events('database_error').length;
      const client = await site.pool.connect();
      try {
        await client.query('begin; lock table tasks in access exclusive mode');
        assertSaysAway(await submitByApi());
        // An error that repeats itself is told again only after ten seconds, with a count.
        await waitFor('claim or settle to be given up', () => {
          const errors = runner.events('database_error').slice(before);
          return errors.some(({ code, during }) => code === '57014' && /claim|settle/.test(String(during)));
        });
      } finally {
        await client.query('rollback');
        client.release();
      }
    });
    await site.database.query('alter role site reset statement_timeout');
    await site.endSessions();
  });

  function call(path: string, init?: RequestInit): Promise<Response> {
    return fetch(url + path, init);
  }

  function submitByApi(): Promise<Response> {
    return submitTo(url);
  }

  async function assertApiSaysAway(): Promise<void> {
    assertSaysAway(await call('/api/v1/tasks'));
    assertSaysAway(await submitByApi());
    const health = await Promise.all([call('/health'), call('/health/live')]);
    assert.deepEqual(
      health.map(({ status }) => status),
      [503, 200],
    );
  }

  async function assertApiWorks(): Promise<void> {
    await waitFor('the API to be well', async () => (await call('/health')).status === 200);
    assert.equal((await submitByApi()).status, 201);
  }
});

describe('a runner whose database is away for longer than its lease', () => {
  it('ends what it runs, and goes on in the same process under another id', async () => {
    const runner = site.runner({ LEASE_SECONDS: '2' });
    const first = await leads(runner);
    const id = await site.submit('rest', { ms: 2500 });
    await site.reaches(id, 'running');
    await site.server.stop();
    const lost = await waitFor('its lease to end', () => runner.events('lease_lost')[0]);
    assert.deepEqual([lost.runner_id, lost.running], [first, 1]);
    await waitFor('its attempt to be killed', () => runner.events('thread_killed')[0]);
    await site.server.start();

    const task = await site.reaches(id, 'completed', 20_000);
    const { runner_id: second } = await waitFor('it to lead', () => runner.events('leader_elected')[1]);
    assert.notEqual(second, first);
    assert.deepEqual([task.attempt, task.runner_id], [2, second]);
    const attempts = await site.attempts(id);
    assert.deepEqual(
      attempts.map(({ attempt, outcome, runner_id }) => [attempt, outcome, runner_id]),
      [[1, 'lost', first]],
    );
    assert.deepEqual(await site.violations(), []);
    assertUnharmed(runner);
    assert.equal(await runner.stop(), 0);
  });
});

describe('two runners that both claim, and an API', () => {
  it('get everything done once, whatever the isolation that the database makes the default', async () => {
    const runners = [site.runner({ RUNNER_MODE: 'shared' }), site.runner({ RUNNER_MODE: 'shared' })];
    const { api, url } = await site.api();
    const started = (runner: Heddle) => runner.events('runner_started')[0];
    for (const runner of runners) await waitFor('it to run', () => started(runner), 20_000);
    for (const level of ['repeatable read', 'serializable']) {
      await site.database.query(`alter database site set default_transaction_isolation = '${level}'`);
      await site.endSessions();
      await waitFor('the API to have noticed', async () => (await submitTo(url)).status === 201);
      await amidStream(async () => {
        const clients = Array.from({ length: 4 }, async () => {
          for (let count = 0; count < 60; count++) await assertSubmits();
        });
        await Promise.all(clients);
      });
      assert.deepEqual(await site.violations(), []);
      assert.equal(await cancelAmidChange(url), 200);
    }
    async function assertSubmits(): Promise<void> {
      const { status } = await submitTo(url);
      assert.equal(status, 201, JSON.stringify(api.events('request_failed')));
    }
    for (const process of [...runners, api]) assertUnharmed(process);
    assert.deepEqual(await Promise.all([...runners, api].map((process) => process.stop())), [0, 0, 0]);
  });
});

describe('a runner that joins the others', () => {
  it('tries again when its connection breaks in the middle of that', async () => {
    const client = await site.pool.connect();
    await client.query('begin; lock table task_types in access exclusive mode');
    const runner = site.runner({ RUNNER_MODE: 'shared' });
    try {
      await waitFor(
        'it to wait',
        async () => (await site.database.query(END_WAITING)).rowCount === 1,
        20_000,
      );
    } finally {
      await client.query('rollback');
      client.release();
    }
    await waitFor('it to run', () => runner.events('runner_started')[0], 20_000);
    await site.reaches(await site.submit('soak-quick'), 'completed');
    assertUnharmed(runner);
    assert.equal(await runner.stop(), 0);
  });

  it('stops in order in the middle of an election', async () => {
    const client = await site.pool.connect();
    await client.query('begin; lock table leadership in access exclusive mode');
    const runner = site.runner();
    try {
      await waitFor('it to wait', async () => (await site.database.query(WAITING)).rowCount === 1, 20_000);
      runner.child.kill('SIGTERM');
      await waitFor('it to hear that', () => runner.events('stopping')[0]);
    } finally {
      await client.query('rollback');
      client.release();
    }
    assert.equal(await runner.ended, 0);
    assert.equal(runner.stderr, '');
  });
});

const WAITING = `
select pid
from pg_stat_activity
where application_name like 'heddle%' and datname = current_database() and wait_event_type = 'Lock'`;

const END_WAITING = `select pg_terminate_backend(pid) from (${WAITING}) waiting`;

/** Resolves with the runner's id when it leads. */
async function leads(runner: Heddle): Promise<unknown> {
  const elected = await waitFor('the runner to lead', () => runner.events('leader_elected')[0], 20_000);
  return elected.runner_id;
}

/** Does something while tasks come and go, and lets them go on for a moment. */
async function amidStream(work: () => Promise<void>): Promise<void> {
  const end = site.stream();
  try {
    await moreComplete(20);
    await work();
    await moreComplete(50);
  } finally {
    await end();
  }
}

async function moreComplete(count: number): Promise<void> {
  const enough = (await completed()) + count;
  await waitFor(`${count} more to complete`, async () => (await completed()) >= enough, 20_000);
}

async function completed(): Promise<number> {
  const { rows } = await site.database.query<{ count: number }>(
    "select count(*)::int from tasks where status = 'completed'",
  );
  return rows[0]?.count ?? 0;
}

/** Has the API cancel a task that somebody changes at that very moment. @returns the answer's status */
async function cancelAmidChange(url: string): Promise<number> {
  const submitted = await submitTo(url, { type: 'rest', params: { ms: 0 }, run_immediately: false });
  const { id } = (await submitted.json()) as { id: string };
  const client = await site.pool.connect();
  await client.query('begin');
  await client.query('update tasks set priority = 1 where id = $1', [id]);
  const cancelled = fetch(`${url}/api/v1/tasks/${id}/cancel`, { method: 'POST' });
  await waitFor('it to wait', async () => (await site.database.query(WAITING)).rowCount === 1);
  await client.query('commit');
  client.release();
  return (await cancelled).status;
}

function submitTo(url: string, more: object = {}): Promise<Response> {
  return fetch(`${url}/api/v1/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ type: 'soak-quick', ...more }),
  });
}

function assertSaysAway({ status, headers }: Response): void {
  const told = [status, headers.get('content-type'), headers.get('retry-after')];
  assert.deepEqual(told, [503, 'application/problem+json', '2']);
}

function assertUnharmed({ child, stderr }: Heddle): void {
  assert.deepEqual([child.exitCode, child.signalCode, stderr], [null, null, '']);
}

/** Also for who is connected, from its next transaction on. */
async function setForAll(setting: string, value: string): Promise<void> {
  await site.database.query(`alter system set ${setting} = ${value}`);
  await site.database.query('select pg_reload_conf()');
}

/** All connections that a role which is no superuser can have. */
class Hoard {
  readonly #clients: pg.Client[] = [];

  /** Takes what there is. */
  async fill(): Promise<void> {
    for (;;) {
      const client = new pg.Client({ connectionString: site.url });
      client.on('error', () => {});
      try {
        await client.connect();
        this.#clients.push(client);
      } catch (error) {
        assert.equal((error as { code?: string }).code, '53300');
        return;
      }
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.end()));
  }
}
