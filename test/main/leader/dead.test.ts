import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { SHOW_SESSION } from '../../../src/main/engine/sql/presence.ts';
import {
  DeathWatch,
  mayBeFormerSelf,
  type OtherRunner,
  processOf,
  whyDeadByItsRow,
} from '../../../src/main/leader/dead.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';

const runner: OtherRunner = {
  id: randomUUID(),
  host: hostname(),
  pid: 4711,
  process_space: 'this boot',
  status: 'active',
  lease_seconds: 8,
  last_seen_at: '2026-11-22 10:00:00+00',
  silent_seconds: 1,
};

describe('by its row, a runner', () => {
  const why = (change: Partial<OtherRunner>, heardMs = 2001) =>
    whyDeadByItsRow({ ...runner, ...change }, heardMs);

  it('lives while it is heard of within its lease, whatever it does', () => {
    for (const status of ['active', 'standby', 'draining', 'degraded']) assert.equal(why({ status }), null);
  });
  it('is dead after its lease', () =>
    assert.equal(why({ silent_seconds: 8.14 }), 'it was not heard of for 8.1 s'));
  it('lives when only the clock has jumped: its silence was not heard', () =>
    assert.equal(why({ silent_seconds: 3600 }, 1999), null));
  it('is dead after a lease in which it was not heard of, also when the clock was set back', () => {
    assert.equal(why({ silent_seconds: -3590 }, 7999), null);
    assert.equal(why({ silent_seconds: -3590 }, 8140), 'it was not heard of for 8.1 s');
  });
  it('is dead when it said so, or was lost', () => {
    assert.equal(why({ status: 'stopped' }), 'it has stopped');
    assert.equal(why({ status: 'lost' }), 'it was lost before');
  });
  it('is dead when nothing is known of it', () => {
    const nothing = { host: null, pid: null, status: null, lease_seconds: null, silent_seconds: null };
    assert.equal(why(nothing), 'nothing is known of it');
  });
});

describe('the process of a runner', () => {
  const here = { host: hostname(), space: 'this boot' };
  const what = (change: Partial<OtherRunner>, alive: boolean) =>
    processOf({ ...runner, ...change }, here, () => alive);

  it('runs while this host has one of its id', () => assert.equal(what({}, true), 'running'));
  it('has ended when this host has none', () => assert.equal(what({}, false), 'ended'));
  it('has ended when its id was given to this process', () =>
    assert.equal(what({ pid: process.pid }, true), 'ended'));
  it('cannot be seen from another container of the same name', () => {
    assert.equal(what({ process_space: 'another' }, false), 'unseen');
    assert.equal(what({ process_space: null, pid: process.pid }, true), 'unseen');
  });
  it('is not known of on another host', () => assert.equal(what({ host: 'there' }, false), 'elsewhere'));
});

describe('a runner of this host whose process cannot be seen', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  it('may be what this container ran before only when it was silent since this process began, and could be heard', () => {
    assert.equal(mayBeFormerSelf({ ...runner, silent_seconds: 5 }, 2001, 4), true);
    assert.equal(mayBeFormerSelf({ ...runner, silent_seconds: 5 }, 1999, 4), false);
    assert.equal(mayBeFormerSelf({ ...runner, silent_seconds: 5 }, 2001, 6), false);
  });

  it('lives while its session does, or while it is heard of, and is dead without both', async () => {
    const session = new pg.Client({ connectionString: database.url });
    await session.connect();
    await session.query(SHOW_SESSION, [unseen.id]);
    const deaths = new DeathWatch(database.pool(), justStarted);
    await livesFor(deaths, 150); // Its silence is heard by then.
    await session.end();
    assert.equal(await deaths.whyDead({ ...unseen, last_seen_at: 'again' }), null, 'it was heard of');
    await waitFor(
      'its death',
      async () => (await deaths.whyDead({ ...unseen, last_seen_at: 'again' })) === 'its session has ended',
    );
  });

  it('is not dead for a silence in which nobody could hear it, as while the database is away', async () => {
    const deaths = new DeathWatch(database.pool(), justStarted);
    assert.equal(await deaths.whyDead(unseen), null);
    await sleep(200); // Nobody looks for longer than two heartbeats.
    assert.equal(await deaths.whyDead(unseen), null);
    await waitFor('its death', async () => (await deaths.whyDead(unseen)) === 'its session has ended');
  });

  it('lives for its lease when this process was there before its silence: it may be another container', async () => {
    const deaths = new DeathWatch(database.pool(), () => 1);
    await livesFor(deaths, 300);
    await waitFor('its lease to end', async () => /not heard of/.test((await deaths.whyDead(unseen)) ?? ''));
  });

  const unseen = { ...runner, lease_seconds: 0.4, silent_seconds: 0.1 };
  const justStarted = () => 0.05;

  async function livesFor(deaths: DeathWatch, ms: number): Promise<void> {
    const until = performance.now() + ms;
    await waitFor('that time to pass', async () => {
      assert.equal(await deaths.whyDead(unseen), null);
      return performance.now() > until;
    });
  }
});
