import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type pg from 'pg';
import type { Queryable } from '../../../src/main/database/connect.ts';
import { check } from '../../../src/main/engine/check.ts';
import { TooManyWaitingError } from '../../../src/main/engine/submission-queue.ts';
import { Submissions } from '../../../src/main/engine/submissions.ts';
import type { Submission } from '../../../src/main/engine/submit.ts';
import { TaskTypeCatalogue } from '../../../src/main/engine/task-types.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { publishTaskTypes } from '../../support/task-types.ts';
import { waitFor } from '../../support/wait-for.ts';

let testDatabase: TestDatabase;
let database: pg.Pool;
let catalogue: TaskTypeCatalogue;
let submissions: Submissions;
let statements = 0;
before(async () => {
  testDatabase = await createTestDatabase();
  database = testDatabase.pool();
  await publishTaskTypes(database);
  catalogue = new TaskTypeCatalogue(database);
});
beforeEach(async () => {
  await database.query('truncate tasks cascade');
  submissions = new Submissions(counting(database));
  statements = 0;
});
after(() => testDatabase?.drop());

/** The pool; what goes to it is counted. */
function counting(pool: pg.Pool): Queryable {
  return {
    query(statement, values) {
      statements++;
      return pool.query(statement, values);
    },
  };
}

async function checked(asked: Submission[], actor = 'test') {
  return check(await catalogue.find(asked.map(({ type }) => type)), asked, actor);
}

async function submit(asked: Submission[], actor = 'test', to = submissions) {
  return to.insert(await checked(asked, actor));
}

const numbered = (n: number): Submission => ({ type: 'anything', params: { n } });

async function stored(): Promise<unknown[]> {
  const { rows } = await database.query(
    `select coalesce(params->>'n', unique_key) as what, submitted_by from tasks order by 1, 2`,
  );
  return rows.map(({ what, submitted_by }) => `${what} ${submitted_by}`);
}

describe('simultaneous submissions', () => {
  it('share statements, and each caller gets its own tasks', async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) => submit([numbered(n), numbered(n)], `caller ${n}`)),
    );
    assert.ok(statements <= 10, `${statements} statements`);
    answers.forEach((tasks, n) => {
      assert.deepEqual(
        tasks.map(({ task }) => task.params),
        [{ n }, { n }],
      );
    });
    const expected = Array.from({ length: 200 }, (_, n) => Array(2).fill(`${n} caller ${n}`)).flat();
    assert.deepEqual((await stored()).sort(), expected.sort());
  });

  it('do not make a lone one wait', async () => {
    const tasks = await checked([numbered(1)]);
    const answer = submissions.insert(tasks);
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    assert.equal(statements, 1, 'its statement is on its way in the next turn of the event loop');
    assert.equal((await answer).length, 1);
  });

  it('with one key are one task, and each further one allows one more retry', async () => {
    const equal: Submission = { type: 'anything', unique_key: 'k' };
    const answers = (await Promise.all(Array.from({ length: 50 }, () => submit([equal])))).flat();
    assert.equal(new Set(answers.map(({ task }) => task.id)).size, 1);
    assert.deepEqual(
      answers.map(({ deduplicated }) => deduplicated),
      [false, ...Array(49).fill(true)],
      'the first caller has added it',
    );
    const { rows } = await database.query('select max_retries from tasks');
    assert.deepEqual(rows, [{ max_retries: 2 + 49 }]);
  });

  it('of one caller are accepted all or none, and what PostgreSQL refuses harms nobody else', async () => {
    await database.query(`alter table tasks add constraint no_seven check (params->>'n' <> '7')`);
    try {
      const calls = Array.from({ length: 20 }, (_, n) => submit([numbered(n), numbered(n + 100)]));
      const results = await Promise.allSettled(calls);
      const failed = results.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []));
      assert.deepEqual(failed, [7]);
      const rows = await stored();
      assert.equal(rows.length, 38);
      assert.ok(!rows.includes('107 test'));
    } finally {
      await database.query('alter table tasks drop constraint no_seven');
    }
  });

  it('that are more than a statement takes go in several, in order', async () => {
    const many = Array.from({ length: 600 }, (_, n) => numbered(n));
    const answers = await Promise.all([submit(many), submit(many), submit(many)]);
    assert.equal(statements, 3);
    for (const answer of answers) assert.deepEqual(answer.at(-1)?.task.params, { n: 599 });
  });

  it('are refused when too much is waiting, and accepted again afterwards', async () => {
    const small = new Submissions(database, { mostWaitingBytes: 5000 });
    const lock = await database.connect();
    try {
      await lock.query('begin; lock table tasks in exclusive mode');
      const first = [submit([numbered(1)], 'test', small), submit([numbered(2)], 'test', small)];
      await waitFor('the first statement to wait', async () => (await waitingForLocks()) >= 1);
      const more = Array.from({ length: 100 }, (_, n) => submit([numbered(n)], 'test', small));
      const settled = Promise.allSettled(more);
      await assert.rejects(more.at(-1) as Promise<unknown>, TooManyWaitingError);
      await lock.query('rollback');
      await Promise.all(first);
      const accepted = (await settled).filter(({ status }) => status === 'fulfilled').length;
      assert.ok(accepted > 0 && accepted < 100, `${accepted} of 100`);
      assert.equal((await stored()).length, 2 + accepted);
    } finally {
      lock.release(true);
    }
    await submit([numbered(1)], 'test', small);
  });

  it('go on after the database was away', async () => {
    const away = new Submissions({
      query: () => Promise.reject(Object.assign(new Error(), { code: '57P01' })),
    });
    const results = await Promise.allSettled([1, 2, 3].map((n) => submit([numbered(n)], 'test', away)));
    assert.deepEqual(
      results.map(({ status }) => status),
      Array(3).fill('rejected'),
    );
    await submit([numbered(1)]);
  });
});

async function waitingForLocks(): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows[0]?.count ?? 0;
}
