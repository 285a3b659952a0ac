import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Heddle } from '../support/heddle.ts';
import { Site } from '../support/site.ts';
import { waitFor } from '../support/wait-for.ts';

/* A runner process that the system stops where it is (SIGSTOP), and lets go on again, with a standby beside it. */

const LEASE_MS = 4000;
/** A heartbeat comes eight times a lease: so much of it may be gone when the process is frozen. */
const BEAT_MS = LEASE_MS / 8;
/** What else a slow machine may take before it is frozen and after. */
const LATE_MS = 1000;

describe('a leader that is frozen', () => {
  let site: Site;
  let leader: Heddle;
  let standby: Heddle;
  before(async () => {
    site = await Site.start();
    leader = start();
    await waitFor('it to lead', () => leader.events('leader_elected')[0], 20_000);
    standby = start();
    await waitFor('the other one to stand by', () => standby.events('runner_standby')[0], 20_000);
  });
  after(async () => {
    try {
      assert.deepEqual(await Promise.all([leader.stop(), standby.stop()]), [0, 0]);
    } finally {
      await site.stop();
    }
  });

  afterEach(async () => {
    assert.deepEqual(await site.violations(), []);
    for (const { child, stderr } of [leader, standby])
      assert.deepEqual([child.exitCode, child.signalCode, stderr], [null, null, '']);
  });

  it('for less than its lease goes on as if nothing had been', async () => {
    const id = await site.submit('soak-wait', { ms: 2500 });
    await site.reaches(id, 'running');
    leader.child.kill('SIGSTOP');
    await sleep(LEASE_MS * 0.75 - BEAT_MS - LATE_MS);
    leader.child.kill('SIGCONT');
    const task = await site.reaches(id, 'completed');
    assert.deepEqual([task.attempt, await site.attempts(id)], [1, []]);
    assert.deepEqual(leader.events('lease_lost'), []);
    assert.equal(standby.events('leader_elected').length, 0);
  });

  it('for longer is replaced; when it wakes it ends what it runs, and nothing of that is written any more', async () => {
    const id = await site.submit('haunt');
    await waitFor('it to write', async () => (await signs(id)) > 10);
    const frozen = await site.task(id);
    const frozenAt = performance.now();
    leader.child.kill('SIGSTOP');
    await waitFor('the takeover', () => standby.events('leader_elected')[0]);
    const tookMs = performance.now() - frozenAt;
    assert.ok(
      tookMs > LEASE_MS - BEAT_MS - 50 && tookMs < LEASE_MS + 5 * LATE_MS,
      `taken over after ${tookMs} ms`,
    );
    await waitFor('the second attempt to write', async () => (await saidBy(id)) === 'of attempt 2');

    const lines = await linesOfFirst(id);
    leader.child.kill('SIGCONT');
    const lost = await waitFor('it to notice', () => leader.events('lease_lost')[0]);
    assert.deepEqual([lost.runner_id, lost.running], [frozen.runner_id, 1]);
    const stale = await waitFor('its settle to be stale', () => leader.events('stale_settle')[0]);
    assert.deepEqual([stale.task_id, stale.claim_token], [id, frozen.claim_token]);
    const task = await site.reaches(id, 'completed');
    assert.deepEqual([task.attempt, task.result, await saidBy(id)], [2, null, 'of attempt 2']);
    assert.equal(await linesOfFirst(id), lines, 'no line of it was kept any more');
    const attempts = await site.attempts(id);
    assert.deepEqual(
      attempts.map(({ attempt, outcome, runner_id }) => [attempt, outcome, runner_id]),
      [[1, 'lost', frozen.runner_id]],
    );
    await standsByAnew(leader, frozen.runner_id);
    [leader, standby] = [standby, leader];
  });

  it('with its own task locked in an open transaction is replaced, and the task runs again', async () => {
    const before = standby.events('leader_elected').length;
    const id = await site.submit('hold');
    await waitFor('the task to be locked', () => isLocked(id));
    const { runner_id } = await site.task(id);
    leader.child.kill('SIGSTOP');
    await waitFor('the takeover', () => standby.events('leader_elected')[before]);
    const task = await site.reaches(id, 'completed');
    assert.deepEqual([task.attempt, task.result], [2, 2]);
    leader.child.kill('SIGCONT');
    await standsByAnew(leader, runner_id);
    assert.deepEqual((await site.task(id)).result, 2);
  });

  function start(): Heddle {
    return site.runner({ LEASE_SECONDS: String(LEASE_MS / 1000) });
  }

  /** It shows itself under another id than before. */
  async function standsByAnew({ child }: Heddle, former: string | null): Promise<void> {
    await waitFor('it to stand by under another id', async () => {
      const { rows } = await site.database.query<{ id: string; role: string }>(
        `select id, role from runners where pid = $1 and status not in ('lost', 'stopped')`,
        [child.pid],
      );
      return rows.length === 1 && rows[0]?.id !== former && rows[0]?.role === 'standby';
    });
  }

  async function signs(id: string): Promise<number> {
    return count('select count(*)::int from soak_signs where task_id = $1', id);
  }

  async function linesOfFirst(id: string): Promise<number> {
    return count('select count(*)::int from task_logs where task_id = $1 and attempt = 1', id);
  }

  async function count(statement: string, id: string): Promise<number> {
    const { rows } = await site.database.query<{ count: number }>(statement, [id]);
    return rows[0]?.count ?? 0;
  }

  async function saidBy(id: string): Promise<string | null | undefined> {
    return (await site.task(id)).progress?.message;
  }

  async function isLocked(id: string): Promise<boolean> {
    const { rowCount } = await site.database.query('select from tasks where id = $1 for update skip locked', [
      id,
    ]);
    return rowCount === 0;
  }
});
