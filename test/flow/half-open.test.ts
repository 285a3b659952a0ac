import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Heddle } from '../support/heddle.ts';
import { Site } from '../support/site.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { waitFor } from '../support/wait-for.ts';

/* A network between a runner and its database through which nothing comes any more, and which tells nobody. */

const LEASE_MS = 2000;
/** LISTEN is probed every five seconds, and given up after as long a silence. */
const LISTENS_AGAIN_MS = 15_000;
/** As most types are looked for. */
const POLL_MS = 5000;

describe('a runner whose connections are open at its end only', () => {
  let site: Site;
  let proxy: TcpProxy;
  let runner: Heddle;
  before(async () => {
    site = await Site.start();
    proxy = await TcpProxy.start(site.server.port);
    runner = start(proxy.url(site.url));
    await waitFor('it to lead', () => runner.events('leader_elected')[0], 20_000);
    await waitFor('it to listen', () => runner.events('listening')[0]);
  });
  after(async () => {
    proxy?.stop();
    await site?.stop();
  });

  afterEach(async () => {
    assert.deepEqual(await site.violations(), []);
    assert.deepEqual([runner.child.exitCode, runner.child.signalCode, runner.stderr], [null, null, '']);
  });

  it('finds tasks by polling when only the one that listens is affected, and soon listens again', async () => {
    await warmUp();
    const frozenAt = performance.now();
    proxy.freezeOne(await listeningPort());
    const unheard = await site.submit('soak-quick');
    await site.reaches(unheard, 'completed', POLL_MS * 1.1 + 2000);
    await waitFor('it to listen again', () => runner.events('listening')[1], LISTENS_AGAIN_MS);
    assert.ok(performance.now() - frozenAt < LISTENS_AGAIN_MS);
    assert.equal(runner.events('listen_lost').length, 1);
    for (let count = 0; count < 5; count++) await startsAtOnce();
    assert.deepEqual(runner.events('lease_lost'), [], 'its heartbeats went on');
    await proxy.thaw();
  });

  it('ends its attempts before its lease is over; others run them, and it can write nothing any more', async () => {
    const standby = start(site.url);
    await waitFor('the other one to stand by', () => standby.events('runner_standby')[0], 20_000);
    const [writing, ghost] = [await site.submit('soak-wait', { ms: 4000 }), await site.submit('haunt')];
    for (const id of [writing, ghost]) await waitFor('it to write', async () => (await signs(id)) > 1);
    const { runner_id: former } = await site.task(writing);

    proxy.freeze();
    await waitFor('its lease to end', () => runner.events('lease_lost')[0]);
    await waitFor('both attempts to be killed', () => killed().length === 2);
    const leaseEndsAt = (await lastSeen(former)) + LEASE_MS;
    const killedAt = Math.max(...killed().map(({ time }) => time as number));
    assert.ok(killedAt < leaseEndsAt, `killed ${killedAt - leaseEndsAt} ms after the end of the lease`);
    const elected = await waitFor('the takeover', () => standby.events('leader_elected')[0]);
    assert.ok((elected.time as number) > leaseEndsAt - 50, 'and not earlier');

    for (const id of [writing, ghost]) await site.reaches(id, 'completed', 15_000);
    await proxy.thaw();
    await waitFor('both settles to be stale', () => runner.events('stale_settle').length === 2, 20_000);
    await waitFor('it to stand by under another id', async () => (await standsBy(runner)) !== null, 20_000);
    assert.notEqual(await standsBy(runner), former);
    for (const id of [writing, ghost]) {
      const { attempt, result, runner_id } = await site.task(id);
      assert.deepEqual([attempt, result, runner_id], [2, null, elected.runner_id]);
      const attempts = await site.attempts(id);
      assert.deepEqual(
        attempts.map(({ outcome, runner_id }) => [outcome, runner_id]),
        [['lost', former]],
      );
    }
  });

  function start(url: string): Heddle {
    return site.runner({ DATABASE_URL: url, LEASE_SECONDS: String(LEASE_MS / 1000), LOG_LEVEL: 'debug' });
  }

  /** The threads know the type, and its first claim is over. */
  async function warmUp(): Promise<void> {
    for (let count = 0; count < 4; count++) await site.reaches(await site.submit('soak-quick'), 'completed');
  }

  async function startsAtOnce(): Promise<void> {
    const { started_at, created_at } = await site.reaches(await site.submit('soak-quick'), 'completed');
    const waitedMs = Number(started_at) - Number(created_at);
    assert.ok(waitedMs < POLL_MS / 5, `it waited ${waitedMs} ms`);
  }

  async function listeningPort(): Promise<number> {
    const { rows } = await site.database.query<{ client_port: number }>(
      `select client_port from pg_stat_activity
       where application_name like 'heddle runner%' and query like 'notify "heddle_probe%'`,
    );
    assert.equal(rows.length, 1);
    return rows[0]?.client_port ?? 0;
  }

  async function signs(id: string): Promise<number> {
    const { rowCount } = await site.database.query('select from soak_signs where task_id = $1', [id]);
    return rowCount ?? 0;
  }

  function killed(): Record<string, unknown>[] {
    return runner.events('thread_killed');
  }

  /** In milliseconds since 1970: this machine's clock is the database's. */
  async function lastSeen(id: string | null): Promise<number> {
    const { rows } = await site.database.query<{ last_seen_at: Date }>(
      'select last_seen_at from runners where id = $1',
      [id],
    );
    return Number(rows[0]?.last_seen_at);
  }

  async function standsBy({ child }: Heddle): Promise<string | null> {
    const { rows } = await site.database.query<{ id: string }>(
      `select id from runners where pid = $1 and role = 'standby' and status = 'standby'`,
      [child.pid],
    );
    return rows[0]?.id ?? null;
  }
});
