import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
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

  it('tell a request before the end that it was too late for, or that was written after it', () => {
    const ends = [
      ['cancelled', own({ status: 'cancelled', attempt: 1 }), [ended({ status_after: 'cancelled' })]],
      ['completed', own({ status: 'completed', attempt: 1, started_at: at(10), finished_at: at(20) }), []],
    ] as const;
    for (const [status, task, rows] of ends) {
      const request = byHand({ at: at(25), from_status: 'running', to_status: 'running' });
      const changes = eventsOf(task, rows, [request]);
      assert.deepEqual(
        changes.map((change) => `${change.from}>${change.to} at ${change.at.getTime() - at(0).getTime()}`),
        ['null>queued at 0', 'queued>running at 10', 'running>running at 25', `running>${status} at 25`],
      );
    }
  });

  it('of any history are told in its order, however much earlier an end was measured than written', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(1000), fc.integer({ min: 1, max: 40 }), fc.nat(30)), { maxLength: 40 }),
        (steps) => {
          const { task, rows, hand, story } = happened(steps);
          assert.equal(path(task, rows, hand), story.join(' '));
          const times = eventsOf(task, rows, hand).map((change) => change.at.getTime());
          assert.deepEqual(
            times,
            times.toSorted((a, b) => a - b),
          );
        },
      ),
    );
  });

  it('that follow from nothing are told all the same', () => {
    const stray = byHand({ at: at(5), from_status: 'cancelled' });
    assert.equal(path(own({}), [], [stray]), 'null>queued cancelled>queued');
  });
});

/** Lets a task go its way: each step says what happens, after how long, and how much earlier an end was measured. */
function happened(steps: readonly (readonly [what: number, afterMs: number, earlierMs: number])[]) {
  const task = own({ submitted_by: 'api:anna' });
  const rows: AttemptRow[] = [];
  const hand: EventRow[] = [];
  const story = ['null>queued'];
  let now = 0;
  let requested = false;
  const move = (to: OwnRow['status']) => {
    story.push(`${task.status}>${to}`);
    task.status = to;
  };
  const doByHand = (to: OwnRow['status']) => {
    hand.push(byHand({ id: BigInt(hand.length + 1), at: at(now), from_status: task.status, to_status: to }));
    move(to);
  };
  const settle = (to: OwnRow['status'], earlierMs: number) => {
    const finished_at = at(Math.max(now - earlierMs, Number(task.started_at) - Number(at(0))));
    if (to === 'completed') task.finished_at = finished_at;
    else {
      const { attempt, started_at } = task;
      rows.push(
        ended({
          attempt,
          started_at,
          finished_at,
          claim_token: task.claim_token as bigint,
          status_after: to,
        }),
      );
    }
    move(to);
  };
  for (const [what, afterMs, earlierMs] of steps) {
    now += afterMs;
    if (task.status === 'running') {
      if (what % 4 === 0 && !requested) {
        requested = true;
        doByHand('running');
      } else if (requested) settle('cancelled', earlierMs);
      else settle((['completed', 'queued', 'failed'] as const)[what % 3] as OwnRow['status'], earlierMs);
    } else if (task.status === 'queued' && what % 3 > 0) {
      task.attempt++;
      Object.assign(task, { started_at: at(now), claim_token: (task.claim_token ?? 0n) + 1n });
      requested = false;
      move('running');
    } else if (task.status === 'queued') doByHand(what % 2 === 0 ? 'cancelled' : 'queued');
    else if (task.status !== 'completed') doByHand('queued');
  }
  return { task, rows, hand, story };
}
