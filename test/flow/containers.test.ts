import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Heddle } from '../support/heddle.ts';
import { Site } from '../support/site.ts';
import { waitFor } from '../support/wait-for.ts';

/*
 * Runners of one host name that cannot see each other's processes, and all have the process id 1: as containers on their
 * host's network, or one that is started again.
 */

const CONTAINER = ['unshare', '--map-root-user', '--fork', '--pid', '--mount-proc', '--kill-child'];
const [program, ...options] = CONTAINER as [string, ...string[]];
const skip =
  spawnSync(program, [...options, 'true']).status !== 0 && 'needs unshare, and leave to make a PID namespace';

const LEASE_MS = 10_000;
/** Two heartbeats. */
const SOON_MS = LEASE_MS / 4;

describe('runners in PID namespaces of their own', { skip }, () => {
  let site: Site;
  let leader: Heddle;
  before(async () => {
    site = await Site.start();
    leader = start();
    await waitFor('it to lead', () => leader.events('leader_elected')[0], 20_000);
  });
  after(() => site.stop());

  it('do not take each other for dead when the database is back that was away for longer than two heartbeats', async () => {
    const standby = start();
    await waitFor('the other one to stand by', () => standby.events('runner_standby')[0], 20_000);
    assert.deepEqual(
      (await runners()).map(({ pid }) => pid),
      [1, 1],
    );
    const id = await site.submit('rest', { ms: 2.5 * SOON_MS });
    await site.reaches(id, 'running');
    await site.server.stop();
    await sleep(1.1 * SOON_MS);
    await site.server.start();
    const task = await site.reaches(id, 'completed');
    assert.deepEqual([task.attempt, await site.attempts(id)], [1, []]);
    assert.deepEqual([standby.events('leader_elected'), standby.events('runner_lost')], [[], []]);
    await end(standby);
  });

  it('take over from what their container ran before when its session has ended, long before its lease is over', async () => {
    const id = await site.submit('rest', { ms: 60_000 });
    await site.reaches(id, 'running');
    await end(leader);
    const next = start();
    const lost = await waitFor('it to find out', () => next.events('runner_lost')[0], LEASE_MS + 20_000);
    assert.equal(lost.reason, 'its session has ended');
    await waitFor('the task to run again', async () => (await site.task(id)).attempt === 2);
    await end(next);
  });

  function start(): Heddle {
    return site.runner({ LEASE_SECONDS: String(LEASE_MS / 1000) }, CONTAINER);
  }

  /** With `unshare`, what it runs is killed. */
  async function end({ child, ended }: Heddle): Promise<void> {
    child.kill('SIGKILL');
    await ended;
  }

  async function runners(): Promise<{ pid: number }[]> {
    const { rows } = await site.database.query<{ pid: number }>('select pid from runners');
    return rows;
  }
});
