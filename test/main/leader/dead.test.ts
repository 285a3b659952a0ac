import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import { SHOW_SESSION } from '../../../src/main/engine/sql/presence.ts';
import {
  DeathWatch,
  isProcessGone,
  type OtherRunner,
  whyDeadByItsRow,
} from '../../../src/main/leader/dead.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const runner: OtherRunner = {
  id: randomUUID(),
  host: hostname(),
  pid: 4711,
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
  const gone = (change: Partial<OtherRunner>, alive: boolean) =>
    isProcessGone({ ...runner, ...change }, hostname(), () => alive);

  it('is there while this host has one of its id', () => assert.equal(gone({}, true), false));
  it('is gone when this host has none', () => assert.equal(gone({}, false), true));
  it('is gone when its id was given to this process', () =>
    assert.equal(gone({ pid: process.pid }, true), true));
  it('is not known of on another host', () => assert.equal(gone({ host: 'there' }, false), false));
});

describe('a runner of this host whose process is gone', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  it('lives while its session does, since the process may be in a container of the same name, and is dead with it', async () => {
    const former = { ...runner, pid: process.pid };
    const session = new pg.Client({ connectionString: database.url });
    await session.connect();
    await session.query(SHOW_SESSION, [former.id]);
    const deaths = new DeathWatch(database.pool());
    assert.equal(await deaths.whyDead(former), null);
    await session.end();
    assert.equal(await deaths.whyDead(former), 'its process has ended');
  });
});
