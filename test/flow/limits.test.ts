import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { byKey, createMarks, mostAtOnce, mostStartsWithin, spansOf } from '../support/marks.ts';
import { waitFor } from '../support/wait-for.ts';

describe('limits', { concurrency: false }, () => {
  let heddle: TestEngine;
  before(async () => {
    heddle = await startTestEngine({ threads: 4 });
    await createMarks(heddle.pool);
  });
  after(() => heddle.stop());

  it('never run more of a type at once than its maxConcurrent, and no fewer', async () => {
    await heddle.submitAll('two-everywhere', Array(20).fill({ ms: 20 }));
    await allEnded('two-everywhere');
    assert.equal(mostAtOnce(await spansOf(heddle.pool, 'two-everywhere')), 2);
  });

  it('run tasks with one key one after the other, and others beside them', async () => {
    const params = Array.from({ length: 24 }, (_, at) => ({ key: at % 2 === 0 ? 'a' : `b${at}`, ms: 20 }));
    await heddle.submitAll('one-per-key', params);
    await allEnded('one-per-key');
    const spans = await spansOf(heddle.pool, 'one-per-key');
    assert.equal(mostAtOnce(byKey(spans).get('a') ?? []), 1);
    assert.ok(mostAtOnce(spans) > 1, 'different keys at once');
  });

  it('start no more in any window than the rate allows, and waste none of it', async () => {
    const startedAt = performance.now();
    await heddle.submitAll('five-a-second', Array(14).fill({}));
    await allEnded('five-a-second');
    assert.ok(performance.now() - startedAt < 4000, 'three windows');
    const spans = await spansOf(heddle.pool, 'five-a-second');
    assert.equal(spans.length, 14);
    assert.equal(mostStartsWithin(spans, 1000), 5);
  });

  it('give each key a rate of its own', async () => {
    const params = Array.from({ length: 12 }, (_, at) => ({ key: `key ${at % 3}` }));
    await heddle.submitAll('two-a-second-per-key', params);
    await allEnded('two-a-second-per-key');
    const spans = await spansOf(heddle.pool, 'two-a-second-per-key');
    for (const ofKey of byKey(spans).values()) assert.equal(mostStartsWithin(ofKey, 1000), 2);
    assert.ok(mostStartsWithin(spans, 1000) > 2, 'keys do not wait for each other');
  });

  it('use up no attempt while a task waits for its slot', async () => {
    const [first, second] = await heddle.submitAll('one-per-key', Array(2).fill({ key: 'wait', ms: 200 }));
    const ended = await heddle.finished(second as string);
    assert.deepEqual([ended.status, ended.attempt], ['completed', 1]);
    assert.deepEqual(await heddle.attempts(second as string), []);
    assert.equal((await heddle.task(first as string)).status, 'completed');
  });

  it('end a task whose key cannot be computed by its own attempt, with the reason', async () => {
    const kinds = ['throw', 'number', 'exit', 'spin', 'good'] as const;
    const ids = await heddle.submitAll(
      'odd-key',
      kinds.map((key) => ({ key })),
    );
    const ends = await Promise.all(ids.map((id) => heddle.finished(id, 30_000)));
    assert.deepEqual(
      ends.map(({ status, error }) => error ?? status),
      [
        'no key for you',
        'concurrencyKey must return a string of 1 to 255 characters that PostgreSQL can hold',
        'exited with code 3',
        'timed out after 2 s',
        'completed',
      ],
    );
    assert.ok(heddle.events.of('keying_failed').length > 0);
  });

  it('let a task with invalid params fail as any other', async () => {
    const { rows } = await heddle.pool.query<{ id: string }>(
      `insert into tasks (type, params, status) values ('odd-key', '{"key": 1}', 'queued') returning id`,
    );
    heddle.engine.wake();
    const { status, error } = await heddle.finished((rows[0] as { id: string }).id);
    assert.equal(status, 'failed');
    assert.match(String(error), /^key: /);
  });

  it('free the slot of a task that is cancelled, or whose attempt was killed', async () => {
    const ids = await heddle.submitAll('one-per-key', Array(2).fill({ key: 'cancel', ms: 60_000 }));
    const [first, second] = ids as [string, string];
    await heddle.begins(first);
    await heddle.pool.query('update tasks set cancel_requested_at = now() where id = $1', [first]);
    heddle.engine.cancel(first);
    await heddle.begins(second);
    await heddle.pool.query('update tasks set cancel_requested_at = now() where id = $1', [second]);
    heddle.engine.cancel(second);
    assert.equal((await heddle.finished(second)).status, 'cancelled');
  });

  async function allEnded(type: string, timeoutMs?: number): Promise<void> {
    await waitFor(
      `all ${type} to end`,
      async () => {
        const { rows } = await heddle.pool.query(
          `select count(*)::int as n from tasks where type = $1 and status in ('queued', 'running')`,
          [type],
        );
        return rows[0].n === 0;
      },
      timeoutMs,
    );
  }
});
