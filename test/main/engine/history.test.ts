import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type AttemptRow,
  attemptsOf,
  type EventRow,
  eventsOf,
  type OwnRow,
} from '../../../src/main/engine/history.ts';

const at = (ms: number) => new Date(1_800_000_000_000 + ms);

const own = (row: Partial<OwnRow>): OwnRow => ({
  status: 'queued',
  attempt: 0,
  runner_id: null,
  thread_id: null,
  started_at: null,
  finished_at: null,
  created_at: at(0),
  submitted_by: 'api:anna',
  claim_token: null,
  ...row,
});

const ended = (row: Partial<AttemptRow>): AttemptRow => ({
  attempt: 1,
  runner_id: 'r1',
  thread_id: 1,
  started_at: at(10),
  finished_at: at(20),
  outcome: 'failed',
  error: { name: 'Error', message: 'no luck' },
  claim_token: 1n,
  status_after: 'queued',
  ...row,
});

const byHand = (row: Partial<EventRow>): EventRow => ({
  id: 1n,
  at: at(30),
  from_status: 'failed',
  to_status: 'queued',
  attempt: 1,
  actor: 'api:otto',
  detail: 'run by hand',
  ...row,
});

const path = (task: OwnRow, rows: AttemptRow[] = [], events: EventRow[] = []) =>
  eventsOf(task, rows, events)
    .map((change) => `${change.from}>${change.to}`)
    .join(' ');

describe('attempts', () => {
  it('of a task that waits are those that have ended', () => {
    assert.deepEqual(attemptsOf(own({ attempt: 1 }), []), []);
    assert.equal(attemptsOf(own({ attempt: 1 }), [ended({})]).length, 1);
    assert.equal(
      attemptsOf(own({ status: 'failed', attempt: 1 }), [ended({ status_after: 'failed' })]).length,
      1,
    );
  });

  it('of a running task end with the one that runs', () => {
    const task = own({ status: 'running', attempt: 2, runner_id: 'r2', thread_id: 4, started_at: at(40) });
    assert.deepEqual(attemptsOf(task, [ended({})])[1], {
      attempt: 2,
      runner_id: 'r2',
      thread_id: 4,
      started_at: at(40),
      finished_at: null,
      outcome: null,
      error: null,
    });
  });

  it('of a completed task end with the one that completed it', () => {
    const task = own({
      status: 'completed',
      attempt: 1,
      runner_id: 'r',
      started_at: at(1),
      finished_at: at(2),
    });
    assert.deepEqual(
      attemptsOf(task, []).map(({ attempt, outcome, finished_at }) => [attempt, outcome, finished_at]),
      [[1, 'succeeded', at(2)]],
    );
  });
});

describe('events', () => {
  it('begin with the submission', () => {
    assert.deepEqual(eventsOf(own({}), [], []), [
      { at: at(0), from: null, to: 'queued', attempt: 0, actor: 'api:anna', detail: null },
    ]);
    assert.equal(path(own({ status: 'created' })), 'null>created');
  });

  it('tell that a task was created when it was moved on by hand', () => {
    const run = byHand({ from_status: 'created', attempt: 0 });
    assert.equal(path(own({}), [], [run]), 'null>created created>queued');
  });

  it('tell each attempt and what the task became by it', () => {
    const rows = [
      ended({}),
      ended({ attempt: 2, started_at: at(30), finished_at: at(40), status_after: 'failed' }),
    ];
    assert.equal(
      path(own({ status: 'failed', attempt: 2 }), rows),
      'null>queued queued>running running>queued queued>running running>failed',
    );
  });

  it('tell who ended a lost attempt, and why an attempt ended', () => {
    const lost = ended({ outcome: 'lost', error: { name: 'Error', message: 'runner r1 died' } });
    const given = ended({ outcome: 'given_back', error: null, started_at: at(30), finished_at: at(40) });
    const changes = eventsOf(own({ attempt: 1 }), [lost, given], []);
    assert.deepEqual(
      changes.map(({ actor, detail }) => [actor, detail]),
      [
        ['api:anna', null],
        ['runner:r1', null],
        ['rescue', 'lost: runner r1 died'],
        ['runner:r1', null],
        ['runner:r1', 'given_back'],
      ],
    );
  });

  it('tell a request to cancel between the start and the end of the attempt', () => {
    const request = byHand({ at: at(15), from_status: 'running', to_status: 'running' });
    const cancelled = ended({ outcome: 'cancelled', status_after: 'cancelled' });
    assert.equal(
      path(own({ status: 'cancelled', attempt: 1 }), [cancelled], [request]),
      'null>queued queued>running running>running running>cancelled',
    );
  });

  it('of one millisecond are in the order in which they follow from each other', () => {
    const rows = [
      ended({ started_at: at(0), finished_at: at(0), status_after: 'failed' }),
      ended({ attempt: 2, started_at: at(0), finished_at: at(0), status_after: 'failed' }),
    ];
    const task = own({ status: 'completed', attempt: 3, started_at: at(0), finished_at: at(0) });
    const runs = [byHand({ at: at(0) }), byHand({ at: at(0), attempt: 2 })];
    assert.equal(
      path(task, rows, runs),
      'null>queued queued>running running>failed failed>queued queued>running running>failed failed>queued ' +
        'queued>running running>completed',
    );
  });

  it('that follow from nothing are told all the same', () => {
    const stray = byHand({ at: at(5), from_status: 'cancelled' });
    assert.equal(path(own({}), [], [stray]), 'null>queued cancelled>queued');
  });
});
