import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Attempted, type Decision, decide, type Outcome } from '../../../src/main/engine/outcome.ts';

const task: Attempted = {
  attempt: 1,
  attempts_forgiven: 0,
  max_retries: 3,
  cancel_requested: false,
  retry: { strategy: 'cooldown', seconds: 600 },
};
const error = { name: 'Error', message: 'why' };
const completed: Decision = {
  status: 'completed',
  delaySeconds: 0,
  attemptsBack: 0,
  result: null,
  error: null,
  record: null,
};

describe('decide', () => {
  const cases: [string, Partial<Attempted>, Outcome, Decision][] = [
    ['success completes', {}, { name: 'succeeded', result: '{"a":1}' }, { ...completed, result: '{"a":1}' }],
    [
      'a failure with retries left cools down',
      {},
      { name: 'failed', error },
      {
        ...completed,
        status: 'queued',
        delaySeconds: 600,
        error: 'why',
        record: { outcome: 'failed', error },
      },
    ],
    [
      'a failure at the last attempt fails',
      { attempt: 4 },
      { name: 'failed', error },
      { ...completed, status: 'failed', error: 'why', record: { outcome: 'failed', error } },
    ],
    [
      'forgiven attempts do not count',
      { attempt: 7, attempts_forgiven: 4 },
      { name: 'failed', error },
      {
        ...completed,
        status: 'queued',
        delaySeconds: 600,
        error: 'why',
        record: { outcome: 'failed', error },
      },
    ],
    [
      'a timeout is retried like a failure',
      {},
      { name: 'timed_out', error },
      {
        ...completed,
        status: 'queued',
        delaySeconds: 600,
        error: 'why',
        record: { outcome: 'timed_out', error },
      },
    ],
    [
      'a lost attempt uses up a retry, and need not cool down',
      {},
      { name: 'lost', error },
      { ...completed, status: 'queued', error: 'why', record: { outcome: 'lost', error } },
    ],
    [
      'a lost attempt without retries fails',
      { max_retries: 0 },
      { name: 'lost', error },
      { ...completed, status: 'failed', error: 'why', record: { outcome: 'lost', error } },
    ],
    [
      'what is invalid fails, whatever retries are left',
      {},
      { name: 'invalid', error },
      { ...completed, status: 'failed', error: 'why', record: { outcome: 'invalid', error } },
    ],
    [
      'a cancelled attempt cancels',
      {},
      { name: 'cancelled', error },
      {
        ...completed,
        status: 'cancelled',
        error: 'cancelled while it was running',
        record: { outcome: 'cancelled', error },
      },
    ],
    [
      'what is given back before it began leaves no trace',
      {},
      { name: 'given_back', error: null },
      { ...completed, status: 'queued', attemptsBack: 1 },
    ],
    [
      'what is given back in the middle is recorded, and does not count',
      { attempt: 4 },
      { name: 'given_back', error },
      {
        ...completed,
        status: 'queued',
        attemptsBack: 1,
        record: { outcome: 'given_back', error },
      },
    ],
    [
      'what is given back and to be cancelled is cancelled',
      { cancel_requested: true },
      { name: 'given_back', error: null },
      {
        ...completed,
        status: 'cancelled',
        attemptsBack: 1,
        error: 'cancelled before it ran',
        record: { outcome: 'cancelled', error: { name: 'Cancelled', message: 'cancelled before it ran' } },
      },
    ],
    [
      'a snooze waits as long as it says, and does not count',
      { attempt: 4 },
      { name: 'snoozed', seconds: 7, error },
      {
        ...completed,
        status: 'queued',
        delaySeconds: 7,
        attemptsBack: 1,
        error: 'why',
        record: { outcome: 'snoozed', error },
      },
    ],
    [
      'a duplicate is cancelled and names the other one',
      {},
      { name: 'duplicate', of: 'X' },
      {
        ...completed,
        status: 'cancelled',
        attemptsBack: 1,
        error: 'task X does the same and is not finished',
        record: {
          outcome: 'cancelled',
          error: { name: 'Duplicate', message: 'task X does the same and is not finished' },
        },
      },
    ],
    [
      'success after a cancel was asked for stays cancelled',
      { cancel_requested: true },
      { name: 'succeeded', result: '1' },
      {
        ...completed,
        status: 'cancelled',
        error: 'cancelled while it was running',
        record: {
          outcome: 'cancelled',
          error: { name: 'Cancelled', message: 'cancelled while it was running' },
        },
      },
    ],
  ];
  for (const [behaviour, change, outcome, decision] of cases) {
    it(behaviour, () => assert.deepEqual(decide({ ...task, ...change }, outcome, 0), decision));
  }

  const seconds = fc.double({ min: 0, max: 1e9, noNaN: true });
  const policies = fc.oneof(
    fc.record({ strategy: fc.constant('cooldown' as const), seconds }),
    fc.record({
      strategy: fc.constant('exponential' as const),
      seconds,
      factor: fc.double({ min: 0.01, max: 1000, noNaN: true }),
      maxSeconds: seconds,
      jitter: fc.boolean(),
    }),
  );
  const tasks: fc.Arbitrary<Attempted> = fc
    .record({
      attempts_forgiven: fc.nat({ max: 2000 }),
      tries: fc.integer({ min: 1, max: 2000 }),
      max_retries: fc.nat({ max: 2000 }),
      cancel_requested: fc.boolean(),
      retry: policies,
    })
    .map(({ tries, ...rest }) => ({ ...rest, attempt: tries + rest.attempts_forgiven }));
  const outcomes: fc.Arbitrary<Outcome> = fc.oneof(
    fc.record({ name: fc.constant('succeeded' as const), result: fc.option(fc.json()) }),
    fc.record({
      name: fc.constantFrom('failed' as const, 'invalid', 'timed_out', 'cancelled', 'lost'),
      error: fc.constant(error),
    }),
    fc.record({ name: fc.constant('given_back' as const), error: fc.option(fc.constant(error)) }),
    fc.record({ name: fc.constant('snoozed' as const), seconds, error: fc.constant(error) }),
    fc.record({ name: fc.constant('duplicate' as const), of: fc.uuid() }),
  );
  const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  function always(holds: (task: Attempted, outcome: Outcome, decision: Decision) => void): void {
    fc.assert(
      fc.property(tasks, outcomes, randoms, (given, outcome, random) =>
        holds(given, outcome, decide(given, outcome, random)),
      ),
      { numRuns: 500 },
    );
  }

  it('always comes to a delay that is a time', () =>
    always((_, __, decision) => {
      assert.ok(Number.isFinite(decision.delaySeconds) && decision.delaySeconds >= 0);
      if (decision.status !== 'queued') assert.equal(decision.delaySeconds, 0);
    }));

  it('keeps a result of completed tasks alone, and an error of all that ended otherwise', () =>
    always((_, __, { status, result, error: kept }) => {
      if (status === 'completed') assert.equal(kept, null);
      else assert.equal(result, null);
      if (status === 'failed' || status === 'cancelled') assert.ok(kept);
    }));

  it('never queues a task that is to be cancelled, and never completes one', () =>
    always((given, _, { status }) => {
      if (given.cancel_requested) assert.equal(status, 'cancelled');
    }));

  it('never runs a failing task more often than max_retries allows', () =>
    always((given, outcome, { status, attemptsBack }) => {
      if (status !== 'queued' || attemptsBack === 1) return;
      assert.ok(given.attempt - given.attempts_forgiven <= given.max_retries, outcome.name);
    }));

  it('records every attempt that counts and did not complete its task', () =>
    always((_, __, { status, attemptsBack, record }) => {
      if (status !== 'completed' && attemptsBack === 0) assert.ok(record);
      if (status === 'completed') assert.equal(record, null);
    }));
});
