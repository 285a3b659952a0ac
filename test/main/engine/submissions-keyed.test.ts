import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import pg from 'pg';
import {
  type Done,
  type KeptAnswer,
  KeyInProgressError,
  KeyReusedError,
  once,
} from '../../../src/main/database/idempotency.ts';
import { check } from '../../../src/main/engine/check.ts';
import { CHANNEL_DUE } from '../../../src/main/engine/sql/submit.ts';
import { KeyedSubmissions } from '../../../src/main/engine/submissions-keyed.ts';
import type { Submitted } from '../../../src/main/engine/submit.ts';
import { TaskTypeCatalogue } from '../../../src/main/engine/task-types.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { publishTaskTypes } from '../../support/task-types.ts';
import { waitFor } from '../../support/wait-for.ts';

let testDatabase: TestDatabase;
let database: pg.Pool;
let catalogue: TaskTypeCatalogue;
let submissions: KeyedSubmissions;
before(async () => {
  testDatabase = await createTestDatabase();
  database = testDatabase.pool();
  await publishTaskTypes(database);
  catalogue = new TaskTypeCatalogue(database);
});
beforeEach(async () => {
  await database.query('truncate tasks, idempotency_keys cascade');
  submissions = new KeyedSubmissions(database);
});
after(() => testDatabase?.drop());

const digest = (text: string) => createHash('sha256').update(text).digest();

const answer = (submitted: readonly Submitted[]): KeptAnswer => ({
  status: 201,
  location: null,
  body: JSON.stringify(submitted.map(({ task }) => task.id)),
});

/** Submits one task under a key. Its number is what is asked for. */
async function submit(key: string, n: number, to = submissions): Promise<Done> {
  const asked = { type: 'anything', params: { n } };
  const tasks = check(await catalogue.find([asked.type]), [asked], 'test');
  return to.insert({ id: digest(key), fingerprint: digest(`${n}`), pendingSeconds: 0, tasks, answer });
}

async function number(sql: string): Promise<number> {
  const { rows } = await database.query<{ number: number }>(`select (${sql})::int as number`);
  return rows[0]?.number ?? -1;
}

const inRange = (count: number) => Array.from({ length: count }, (_, n) => n);

describe('simultaneous submissions with keys of their own', () => {
  it('share transactions, and each gets its own answer, and gets it again', async () => {
    const first = await Promise.all(inRange(150).map((n) => submit(`key ${n}`, n)));
    const transactions = await number('select count(distinct xmin::text) from idempotency_keys');
    assert.ok(transactions <= 5, `${transactions} transactions`);
    const again = await Promise.all(inRange(150).map((n) => submit(`key ${n}`, n)));
    for (const n of inRange(150)) {
      assert.deepEqual(again[n], { answer: first[n]?.answer, replayed: true });
      const [id] = JSON.parse(first[n]?.answer.body as string) as string[];
      assert.equal(await number(`select params->>'n' from tasks where id = '${id}'`), n);
    }
    assert.equal(await number('select count(*) from tasks'), 150);
  });

  it('are, where PostgreSQL refuses one, accepted without it, and of that no key is kept', async () => {
    await database.query(`alter table tasks add constraint no_seven check (params->>'n' <> '7')`);
    try {
      const results = await Promise.allSettled(inRange(20).map((n) => submit(`key ${n}`, n)));
      const failed = results.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []));
      assert.deepEqual(failed, [7]);
    } finally {
      await database.query('alter table tasks drop constraint no_seven');
    }
    assert.equal(await number('select count(*) from idempotency_keys'), 19);
    assert.equal((await submit('key 7', 7)).replayed, false);
  });

  it('are more than one transaction takes, and wake whoever listens', async () => {
    const listener = new pg.Client({ connectionString: testDatabase.url });
    let heard = 0;
    listener.on('notification', () => heard++);
    await listener.connect();
    try {
      await listener.query(`listen ${CHANNEL_DUE}`);
      const few = new KeyedSubmissions(database, { mostCalls: 10 });
      await Promise.all(inRange(35).map((n) => submit(`key ${n}`, n, few)));
      assert.equal(await number('select count(distinct xmin::text) from idempotency_keys'), 4);
      await waitFor('the notifications', () => heard === 4);
    } finally {
      await listener.end();
    }
  });
});

describe('a key that is there already', () => {
  it('neither keeps those from their tasks that come with it, nor is overwritten', async () => {
    const first = await submit('old', 1);
    await submit('old too', 2);
    const [repeat, reused, fresh] = await Promise.allSettled([
      submit('old', 1),
      submit('old too', 3),
      submit('new', 4),
    ]);
    assert.deepEqual(repeat, { status: 'fulfilled', value: { answer: first.answer, replayed: true } });
    assert.ok(reused.status === 'rejected' && reused.reason instanceof KeyReusedError);
    assert.equal(fresh.status === 'fulfilled' && fresh.value.replayed, false);
    assert.equal(await number('select count(*) from tasks'), 3);
    assert.equal((await submit('old too', 2)).replayed, true);
  });

  it('is told to be under way while another process has it, and the others are done meanwhile', async () => {
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const request = { id: digest('held'), fingerprint: digest('1'), pendingSeconds: 0 };
    let isHeld = false;
    const other = once(database, request, async () => {
      isHeld = true;
      await finished;
      return answer([]);
    });
    try {
      await waitFor('the key to be held', () => isHeld);
      const [held, free] = await Promise.allSettled([submit('held', 1), submit('free', 2)]);
      assert.ok(held.status === 'rejected' && held.reason instanceof KeyInProgressError);
      assert.equal(free.status, 'fulfilled');
    } finally {
      finish();
      await other;
    }
    assert.equal((await submit('held', 1)).replayed, true);
  });
});

describe('many processes that submit the same keys at once', () => {
  it('make one task a key, and give one answer', async () => {
    const pools = inRange(3).map(() => new pg.Pool({ connectionString: testDatabase.url, max: 2 }));
    try {
      const processes = pools.map((pool) => new KeyedSubmissions(pool, { mostCalls: 20 }));
      const results = await Promise.all(
        inRange(300).map(async (call) => {
          const n = (call * 7) % 100;
          const result = await submit(`key ${n}`, n, processes[call % 3]).catch((error: unknown) => error);
          return { n, result };
        }),
      );
      const answers = new Map<number, Set<string>>();
      for (const { n, result } of results) {
        if (result instanceof KeyInProgressError) continue;
        answers.set(n, (answers.get(n) ?? new Set()).add((result as Done).answer.body));
      }
      assert.equal(answers.size, 100, 'of each key somebody has got an answer');
      for (const [n, different] of answers) assert.equal(different.size, 1, `key ${n}`);
      assert.equal(await number('select count(*) from tasks'), 100);
      assert.equal(await number('select count(*) from idempotency_keys'), 100);
    } finally {
      await Promise.all(pools.map((pool) => pool.end()));
    }
  });
});
