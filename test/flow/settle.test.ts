import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { waitFor } from '../support/wait-for.ts';

describe('settling', { concurrency: false }, () => {
  let heddle: TestEngine;
  before(async () => {
    heddle = await startTestEngine({ threads: 2 });
  });
  after(() => heddle.stop());

  it('leaves a task alone that somebody else has claimed meanwhile: the attempt is stale', async () => {
    const id = await heddle.submit('wait', { ms: 150 });
    await heddle.reaches(id, 'running');
    const old = await heddle.task(id);
    await heddle.pool.query(
      "update tasks set claim_token = nextval('claim_tokens'), error = 'of the newer attempt' where id = $1",
      [id],
    );
    const stale = await heddle.events.next('stale_settle');
    assert.deepEqual([stale.task_id, stale.claim_token], [id, old.claim_token]);
    const task = await heddle.task(id);
    assert.deepEqual([task.status, task.error, task.result], ['running', 'of the newer attempt', null]);
    assert.deepEqual(await heddle.attempts(id), []);
  });

  it('lets go of a task that was deleted while it ran', async () => {
    const id = await heddle.submit('wait', { ms: 100 });
    await heddle.reaches(id, 'running');
    await heddle.pool.query('delete from tasks where id = $1', [id]);
    await heddle.events.next('stale_settle', ({ task_id }) => task_id === id);
    assert.equal((await heddle.finished(await heddle.submit('no-op'))).status, 'completed');
  });

  it('honours a max_retries that was raised while the attempt ran', async () => {
    const id = await heddle.submit('fail-after', { ms: 200 });
    await heddle.reaches(id, 'running');
    await heddle.pool.query('update tasks set max_retries = 1 where id = $1', [id]);
    const task = await heddle.finished(id);
    assert.deepEqual([task.status, task.attempt, task.error], ['failed', 2, 'attempt 2 failed']);
    const attempts = await heddle.attempts(id);
    assert.deepEqual(
      attempts.map((attempt) => [attempt.attempt, attempt.outcome, attempt.status_after]),
      [
        [1, 'failed', 'queued'],
        [2, 'failed', 'failed'],
      ],
    );
  });

  it('keeps a task cancelled whose attempt succeeded after all', async () => {
    const id = await heddle.submit('wait', { ms: 150 });
    await heddle.reaches(id, 'running');
    await heddle.pool.query('update tasks set cancel_requested_at = now() where id = $1', [id]);
    const task = await heddle.finished(id);
    assert.deepEqual([task.status, task.result], ['cancelled', null]);
  });

  it('fails a task whose outcome the database refuses, and nobody else in the batch', async () => {
    const good = await heddle.submitAll('no-op', Array(30).fill({}));
    const bad = await heddle.submit('throw-anything', { what: 'endless snooze' });
    const more = await heddle.submitAll('no-op', Array(30).fill({}));
    const task = await heddle.finished(bad);
    assert.equal(task.status, 'failed');
    assert.match(task.error ?? '', /^its outcome cannot be stored: interval out of range/);
    for (const id of [...good, ...more]) assert.equal((await heddle.finished(id)).status, 'completed');
  });

  it('leaves a row that somebody keeps locked for later, and writes all others meanwhile', async () => {
    const id = await heddle.submit('wait', { ms: 100 });
    await heddle.reaches(id, 'running');
    const holder = await heddle.pool.connect();
    try {
      await holder.query('begin');
      await holder.query('select from tasks where id = $1 for update', [id]);
      await heddle.events.next('settle_postponed', ({ task_id }) => task_id === id);
      for (let others = 0; others < 3; others++) await heddle.finished(await heddle.submit('no-op'));
      assert.equal((await heddle.task(id)).status, 'running');
      assert.match(
        (await heddle.events.next('database_error', ({ message }) => message.includes('1 of'))).message,
        /lines are not kept/,
      );
    } finally {
      await holder.query('rollback');
      holder.release();
    }
    assert.deepEqual([(await heddle.finished(id)).status, (await heddle.task(id)).attempt], ['completed', 1]);
  });

  it('goes on until it is written when its connections break, and so does claiming', async () => {
    const ids: string[] = [];
    for (let round = 0; round < 15; round++) {
      ids.push(...(await heddle.submitAll('no-op', Array(20).fill({}))));
      await heddle.pool.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1',
        [`engine ${heddle.runnerId}`],
      );
    }
    for (const id of ids) {
      const task = await heddle.finished(id, 15_000);
      assert.deepEqual([task.status, task.attempt], ['completed', 1]);
    }
    assert.ok(heddle.events.of('database_error').length > 0, 'something did break');
  });

  it('goes on claiming once what had piled up is written, and not only at the next poll', async () => {
    const before = heddle.engine.state.claimed;
    await heddle.pool.query(SETTLES_WAIT);
    const client = await heddle.pool.connect();
    try {
      await client.query('begin; lock table task_attempts in exclusive mode'); // Every settle waits for it.
      await heddle.submitAll('no-op', Array(8000).fill({}));
      await waitFor('a pile', () => heddle.engine.state.claimed - before > 5000);
    } finally {
      await client.query('rollback');
      client.release();
    }
    await waitFor(
      'all to be claimed before the poll',
      () => heddle.engine.state.claimed - before >= 8000,
      3500,
    );
    const left = "select from tasks where type = 'no-op' and status <> 'completed' limit 1";
    await waitFor('all to be completed', async () => (await heddle.pool.query(left)).rowCount === 0, 30_000);
    await heddle.pool.query('drop function settle_waits cascade');
  });

  it('takes a task that it has claimed without ever getting the answer', async () => {
    const { rows } = await heddle.pool.query<{ id: string }>(CLAIMED_UNHEARD, [heddle.runnerId]);
    const id = rows[0]?.id as string;
    // Whatever breaks a claim makes the engine look.
    const broken = () => heddle.events.of('database_error').filter(({ during }) => during === 'claim').length;
    const before = broken();
    await waitFor('a claim to break', async () => {
      await heddle.pool.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1',
        [`engine ${heddle.runnerId}`],
      );
      heddle.engine.wake();
      return broken() > before;
    });
    assert.equal((await heddle.finished(id)).attempt, 1);
  });

  describe('by the task itself', () => {
    const run = async (afterwards: string) => {
      const id = await heddle.submit('complete-itself', { marker: afterwards, afterwards });
      const task = await heddle.finished(id);
      const { rows } = await heddle.pool.query('select from facts where text = $1', [afterwards]);
      return { id, outcome: [task.status, task.result, task.error], facts: rows.length };
    };

    it('commits its effects and its completion together, with all it has logged', async () => {
      const { id, ...all } = await run('commit');
      assert.deepEqual(all, { outcome: ['completed', { marker: 'commit' }, null], facts: 1 });
      const ended = await heddle.events.next('attempt_ended', ({ task_id }) => task_id === id);
      assert.equal(ended.status, 'completed');
      assert.deepEqual(await logged(id), ['before']);
    });

    for (const afterwards of ['roll back', 'forget']) {
      it(`leaves neither when the transaction is not committed: ${afterwards}`, async () => {
        const { outcome, facts } = await run(afterwards);
        const error = 'complete() was called, but its transaction was not committed';
        assert.deepEqual({ outcome, facts }, { outcome: ['failed', null, error], facts: 0 });
      });
    }

    it('stands, whatever the task throws afterwards; that is logged', async () => {
      const { id, ...all } = await run('commit and throw');
      assert.deepEqual(all, {
        outcome: ['completed', { marker: 'commit and throw' }, null],
        facts: 1,
      });
      assert.deepEqual(await heddle.attempts(id), []);
      await waitFor('the line', async () => (await logged(id)).includes('after complete(): too late'));
    });

    it('stands, whatever the task returns afterwards; that is logged', async () => {
      const { id, ...all } = await run('commit and return');
      assert.deepEqual(all, {
        outcome: ['completed', { marker: 'commit and return' }, null],
        facts: 1,
      });
      const line = 'after complete(): what run returned is not kept';
      await waitFor('the line', async () => (await logged(id)).includes(line));
    });

    it('is refused to a stale attempt', async () => {
      const params = { marker: 'stale', afterwards: 'commit', afterMs: 300 };
      const id = await heddle.submit('complete-itself', params);
      await heddle.speaks(id);
      await heddle.pool.query("update tasks set claim_token = nextval('claim_tokens') where id = $1", [id]);
      await heddle.events.next('stale_settle', ({ task_id }) => task_id === id);
      assert.equal((await heddle.task(id)).status, 'running');
      const { rows } = await heddle.pool.query("select from facts where text = 'stale'");
      assert.equal(rows.length, 0);
      const line = heddle.logLines.find(({ task_id, level }) => task_id === id && level === 40);
      assert.equal(line?.refused, 'StaleAttemptError');
    });

    async function logged(id: string): Promise<string[]> {
      const { rows } = await heddle.pool.query<{ message: string }>(
        'select message from task_logs where task_id = $1 order by id',
        [id],
      );
      return rows.map(({ message }) => message);
    }
  });
});

/** What a claim leaves behind whose answer got lost on the way. */
const CLAIMED_UNHEARD = `
insert into tasks (type, status, attempt, claim_token, runner_id, started_at)
values ('no-op', 'running', 1, nextval('claim_tokens'), $1, now())
returning id`;

/** Also one that has nothing to record: to complete a task, one has to be allowed to write to task_attempts. */
const SETTLES_WAIT = `
create function settle_waits() returns trigger language plpgsql as
$$ begin lock table task_attempts in row exclusive mode; return new; end $$;
create trigger settle_waits before update on tasks for each row when (new.status = 'completed')
execute function settle_waits()`;
