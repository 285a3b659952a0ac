import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type pg from 'pg';
import { type Queryable, transaction } from '../../../src/main/database/connect.ts';
import { claim } from '../../../src/main/engine/claim.ts';
import { BE_SEEN } from '../../../src/main/engine/sql/presence.ts';
import { Election } from '../../../src/main/leader/elect.ts';
import { LEADER, TAKE_THE_LEAD } from '../../../src/main/leader/sql/elect.ts';
import { MARK_LOST } from '../../../src/main/leader/sql/rescue.ts';
import { processSpace } from '../../../src/main/process-space.ts';
import { captureEvents } from '../../support/capture-events.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { addRunnerRow, makeLeader, type RunnerRow } from '../../support/runner-row.ts';
import { waitFor } from '../../support/wait-for.ts';

describe('an election', () => {
  let testDatabase: TestDatabase;
  let database: pg.Pool;
  const elections: Election[] = [];
  beforeEach(async () => {
    testDatabase = await createTestDatabase();
    database = testDatabase.pool();
  });
  afterEach(async () => {
    await Promise.all(elections.splice(0).map((election) => election.stop()));
    await testDatabase.drop();
  });

  it('has one winner of ten who stand at once, and the others stand by', async () => {
    const first = await Promise.all(Array.from({ length: 10 }, () => stand()));
    const winners = first.filter(({ elected }) => elected());
    assert.deepEqual([winners.length, await leader()], [1, { id: winners[0]?.id, epoch: '1' }]);
  });

  it('has one winner of ten who would follow the same dead leader', async () => {
    const dead = await leads({ silentSeconds: 60, leaseSeconds: 0.8 });
    const stood = await Promise.all(Array.from({ length: 10 }, () => stand()));
    await waitFor('a winner', () => stood.some(({ elected }) => elected()));
    const winners = stood.filter(({ elected }) => elected());
    assert.deepEqual([winners.length, await leader()], [1, { id: winners[0]?.id, epoch: '2' }]);
    assert.equal(stood.flatMap(({ events }) => events.of('runner_lost')).length, 1);
    assert.equal(await statusOf(dead), 'lost');
  });

  const dead: [string, RunnerRow][] = [
    ['is silent for longer than its lease', { silentSeconds: 0.9, leaseSeconds: 0.8 }],
    ['has stopped', { status: 'stopped' }],
    ['was lost', { status: 'lost' }],
    ['was a process of this host that is gone', { host: hostname(), pid: process.pid }],
  ];
  for (const [what, row] of dead) {
    it(`replaces a leader that ${what}, and nothing of that one counts any more`, async () => {
      const former = await leads(row);
      const { id, events, elected } = await stand();
      await waitFor('it to be elected', elected); // Silence has to be heard for a while.
      assert.deepEqual(await leader(), { id, epoch: '2' });
      const status = row.status === 'stopped' ? 'stopped' : 'lost';
      assert.equal(await statusOf(former), status);
      assert.equal(events.of('runner_lost').length, row.status === 'stopped' ? 0 : 1);
      await assertRefused(former);
    });
  }

  it('replaces a leader whose row is gone', async () => {
    await makeLeader(database, randomUUID());
    const { id } = await stand();
    assert.deepEqual(await leader(), { id, epoch: '2' });
  });

  it('leaves a leader that lives, until it is dead', async () => {
    const former = await leads({});
    const { id, elected, events } = await stand();
    assert.deepEqual([elected(), await leader()], [false, { id: former, epoch: '1' }]);
    assert.equal(events.of('runner_standby')[0]?.reason, `runner ${former} leads`);
    await database.query("update runners set last_seen_at = now() - interval '1 hour' where id = $1", [
      former,
    ]);
    await waitFor('the takeover', elected);
    assert.deepEqual(await leader(), { id, epoch: '2' });
  });

  it('leaves a leader that was heard of between the look and the takeover', async () => {
    const former = await leads({ silentSeconds: 60 });
    const look = await lookAtLeader();
    assert.equal((await beSeen(former)).rowCount, 1);
    assert.equal(await takeTheLead(await addRunnerRow(database), look), 0);
    assert.deepEqual(
      [await leader(), await statusOf(former)],
      [{ id: former, epoch: '1' }, 'active'],
      'nothing has changed',
    );
  });

  it('leaves a leader whose heartbeat is just being written: the takeover waits for it', async () => {
    const former = await leads({ silentSeconds: 60 });
    const look = await lookAtLeader();
    const heir = await addRunnerRow(database);
    const takeover = await transaction(database, async (client) => {
      await beSeen(former, client);
      const attempted = takeTheLead(heir, look);
      await waitFor('it to wait for the heartbeat', async () => {
        const { rowCount } = await database.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
        return rowCount === 1;
      });
      return { attempted };
    });
    assert.equal(await takeover.attempted, 0);
    assert.deepEqual([await leader(), await statusOf(former)], [{ id: former, epoch: '1' }, 'active']);
  });

  it('is lost for who was taken for dead itself', async () => {
    await leads({ silentSeconds: 60 });
    for (const status of ['lost', 'stopped']) {
      const heir = await addRunnerRow(database, { status });
      assert.equal(await takeTheLead(heir, await lookAtLeader()), 0);
    }
  });

  it('tells its winner again when that could not act upon it', async () => {
    const id = await addRunnerRow(database);
    let told = 0;
    const events = captureEvents();
    const elected = async () => {
      if (++told === 1) throw new Error('not now');
    };
    const election = new Election(id, database, elected, events.observe);
    elections.push(election);
    await election.start();
    await waitFor('it to be told again', () => told === 2);
    assert.equal(events.of('database_error')[0]?.message, 'not now');
    assert.deepEqual(await leader(), { id, epoch: '1' });
    assert.equal(events.of('leader_elected').length, 1, 'it was elected once');
  });

  it('is won also by who does not hear that it has won', async () => {
    const id = await addRunnerRow(database);
    const deaf: Queryable = {
      async query<Row extends pg.QueryResultRow>(statement: string | pg.QueryConfig, values?: unknown[]) {
        const answer = await database.query<Row>(statement, values);
        if (statement === TAKE_THE_LEAD) throw new Error('Connection terminated unexpectedly');
        return answer;
      },
    };
    const events = captureEvents();
    const election = new Election(id, deaf, async () => {}, events.observe);
    elections.push(election);
    await election.start();
    await events.next('leader_elected');
    assert.deepEqual([await leader(), election.stoodBy], [{ id, epoch: '1' }, false]);
  });

  /** A new runner stands. Resolves when it has tried once. */
  async function stand() {
    const id = await addRunnerRow(database);
    const events = captureEvents();
    let elected = false;
    const election = new Election(
      id,
      database,
      async () => {
        elected = true;
      },
      events.observe,
    );
    elections.push(election);
    await election.start();
    return { id, events, elected: () => elected };
  }

  async function leads(row: RunnerRow): Promise<string> {
    const id = await addRunnerRow(database, row);
    await makeLeader(database, id);
    return id;
  }

  async function leader() {
    const { rows } = await database.query('select runner_id as id, epoch from leadership');
    return rows[0] as { id: string; epoch: string };
  }

  async function statusOf(id: string): Promise<string | undefined> {
    const { rows } = await database.query<{ status: string }>('select status from runners where id = $1', [
      id,
    ]);
    return rows[0]?.status;
  }

  async function lookAtLeader() {
    const { rows } = await database.query<{ epoch: string; id: string; last_seen_at: string }>(LEADER);
    return rows[0] as { epoch: string; id: string; last_seen_at: string };
  }

  async function takeTheLead(
    id: string,
    look: { epoch: string; id: string; last_seen_at: string },
  ): Promise<number | null> {
    const values = [id, look.epoch, look.id, look.last_seen_at];
    return (await database.query(TAKE_THE_LEAD, values)).rowCount;
  }

  function beSeen(id: string, client: Pick<pg.PoolClient, 'query'> = database) {
    const identity = [id, hostname(), 1, processSpace, '0', 'singleton', 'leader', 'active', 8, [], '[]'];
    return client.query(BE_SEEN, identity);
  }

  /** Its heartbeat, its claims, and what it would do as the leader. */
  async function assertRefused(former: string): Promise<void> {
    assert.equal((await beSeen(former)).rowCount, 0);
    await database.query("insert into tasks (type, status) values ('any', 'queued')");
    const wanted = [{ type: 'any', free: 1, quick: false, tick: false }];
    assert.deepEqual(await claim(database, former, { wanted, most: 1, mostSlow: 1 }), []);
    const victim = await addRunnerRow(database, { silentSeconds: 60 });
    const { rows } = await database.query<{ seen: string }>(
      'select last_seen_at::text as seen from runners where id = $1',
      [victim],
    );
    assert.equal((await database.query(MARK_LOST, [victim, rows[0]?.seen, former])).rowCount, 0);
  }
});
