import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import type pg from 'pg';
import type { Queryable } from '../../../src/main/database/connect.ts';
import { EVERY } from '../../../src/main/engine/ageing.ts';
import { ClaimPositions } from '../../../src/main/engine/claim-positions.ts';
import { ClaimTurns } from '../../../src/main/engine/claim-turns.ts';
import type { RunnableType } from '../../../src/main/engine/task-types.ts';
import type { Limits } from '../../../src/workers/protocol.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { periodicType } from '../../support/periodic-type.ts';
import { addLiveRunner } from '../../support/runner-row.ts';

describe('claims in turn', { concurrency: false }, () => {
  const runner = randomUUID();
  let database: TestDatabase;
  let pool: pg.Pool;
  before(async () => {
    database = await createTestDatabase();
    pool = database.pool();
    await addLiveRunner(pool, runner);
  });
  after(() => database.drop());

  it('go exactly by priority, then by when tasks were due, while none has waited for long', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ priority: fc.integer({ min: -100, max: 100 }), ageSeconds: AGE_OF_NEW }), {
          maxLength: 40,
        }),
        fc.integer({ min: 1, max: 3 }),
        async (tasks, places) => {
          await pool.query('truncate tasks cascade');
          await queue('plain', tasks);
          const { rows } = await pool.query<{ id: string }>(
            'select id from tasks order by priority, run_at, id',
          );
          const turns = turnsOf([plain]);
          const order: string[] = [];
          while (order.length < tasks.length) order.push(...(await claimSome(turns, [plain], places)));
          assert.deepEqual(
            order,
            rows.map(({ id }) => id),
          );
        },
      ),
      { numRuns: 20 },
    );
  });

  for (const [name, types] of Object.entries({
    'of one type without limits': () => [plain],
    'of one type with limits': () => [limited],
    'of several types': () => [plain, limited, other],
  })) {
    it(`${name}: start every task within a bounded number of claims under an endless load of urgent ones`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.record({ priority: fc.integer({ min: -100, max: 100 }), ageSeconds: AGE_OF_OLD }), {
            minLength: 1,
            maxLength: 4,
          }),
          async (old) => {
            await pool.query('truncate tasks cascade');
            const all = types();
            for (const type of all) await queue(type.name, old);
            const turns = turnsOf(all);
            const bound = EVERY * all.length * (old.length + 1);
            for (let claims = 0; claims < bound; claims++) {
              for (const { name: type } of all) await queue(type, [{ priority: -100, ageSeconds: 0 }]);
              await claimSome(turns, all, 1);
            }
            const { rows } = await pool.query(
              `select from tasks where status = 'queued' and run_at < now() - interval '20 seconds'`,
            );
            assert.equal(rows.length, 0, `of ${all.length * old.length} still wait after ${bound} claims`);
          },
        ),
        { numRuns: 4 },
      );
    });
  }

  it('go by priority, then by when tasks were due, also when they go on from the last one', async () => {
    const given = fc.record({
      priority: fc.integer({ min: -2, max: 2 }),
      type: fc.constantFrom('plain', 'tame'),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(given, { maxLength: 8 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 5 }),
        async (submissions, places) => {
          await pool.query('truncate tasks cascade');
          const types = [plain, databaseType('tame', null)];
          const turns = turnsOf(types, pool, new ClaimPositions(0));
          for (const tasks of submissions) {
            for (const { type, priority } of tasks) await queue(type, [{ priority, ageSeconds: 0 }]);
            const { rows } = await pool.query<{ id: string }>(
              `select id from tasks where status = 'queued' order by priority, run_at, id limit $1`,
              [places],
            );
            assert.deepEqual(
              await claimSome(turns, types, places),
              rows.map(({ id }) => id),
            );
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  it('that go on from the last one leave what was due before it to the next one from the front', async () => {
    await pool.query('truncate tasks cascade');
    const positions = new ClaimPositions(0);
    const turns = turnsOf([plain], pool, positions);
    await queue('plain', [{ priority: 0, ageSeconds: 0 }]);
    await claimSome(turns, [plain], 1);
    positions.noteFromFront(60_000, 0, performance.now());
    const [late] = await queue('plain', [{ priority: 0, ageSeconds: 10 }]);
    const [urgent] = await queue('plain', [{ priority: -1, ageSeconds: 10 }]);
    const [young] = await queue('plain', [{ priority: 0, ageSeconds: 0 }]);
    assert.deepEqual(await claimSome(turns, [plain], 9), [urgent, young]);
    positions.noteFromFront(0, 0, performance.now());
    assert.deepEqual(await claimSome(turns, [plain], 9), [late]);
  });

  it('of types without limits are one statement each, that knows nothing of limits', async () => {
    await pool.query('truncate tasks cascade');
    await queue('plain', Array(3).fill({ priority: 0, ageSeconds: 0 }));
    const sent: string[] = [];
    const types = [plain, databaseType('also plain', null)];
    const turns = turnsOf(types, {
      query: (statement: string | pg.QueryConfig, values?: unknown[]) => {
        sent.push(typeof statement === 'string' ? statement : (statement.name ?? statement.text));
        return pool.query(statement, values) as never;
      },
    });
    for (let claims = 0; claims < 3; claims++) await claimSome(turns, types, 1);
    assert.deepEqual(sent, ['claim', 'claim', 'claim']);
  });

  it('give the most urgent of all its turn, whether or not its type has limits', async () => {
    await pool.query('truncate tasks cascade');
    await queue('limited', [
      { priority: -2, ageSeconds: 0 },
      { priority: 2, ageSeconds: 0 },
    ]);
    await queue('plain', [
      { priority: -1, ageSeconds: 0 },
      { priority: 1, ageSeconds: 0 },
    ]);
    const turns = turnsOf([plain, limited]);
    const order: number[] = [];
    for (let claims = 0; claims < 4; claims++) {
      const [id] = await claimSome(turns, [plain, limited], 1);
      const { rows } = await pool.query<{ priority: number }>('select priority from tasks where id = $1', [
        id,
      ]);
      order.push(rows[0]?.priority ?? 0);
    }
    assert.deepEqual(order, [-2, -1, 1, 2]);
  });

  it('let a type go on beside one of which everything has to wait', async () => {
    await pool.query('truncate tasks cascade');
    await queue('limited', Array(30).fill({ priority: -100, ageSeconds: 0 }));
    await queue('plain', [{ priority: 100, ageSeconds: 0 }]);
    const full = { ...limited, limits: { ...LIMITS, maxConcurrent: 1 } };
    const turns = turnsOf([plain, full]);
    const types: string[] = [];
    for (let claims = 0; claims < 3; claims++)
      types.push(...(await turns.claim(room([plain, full], 1))).map(({ type }) => type));
    assert.deepEqual(types, ['limited', 'plain']);
  });

  it('put a due tick before everything, also when the turn is by age', async () => {
    await pool.query('truncate tasks cascade');
    await queue('plain', Array(40).fill({ priority: -100, ageSeconds: 100 }));
    const tick = periodicType('tick');
    const turns = turnsOf([plain, tick]);
    for (let claims = 0; claims < 2 * EVERY; claims++) {
      await queue('tick', [{ priority: 0, ageSeconds: 0 }]);
      const [claimed] = await turns.claim(room([plain, tick], 1));
      assert.equal(claimed?.type, 'tick', `claim ${claims}`);
    }
  });

  it('find tasks with keys again when their type has no limits any more', async () => {
    await pool.query('truncate tasks cascade');
    await pool.query(
      `insert into tasks (type, status, concurrency_key, rate_key) values ('plain', 'queued', 'a', 'b'), ('limited', 'queued', 'a', 'b')`,
    );
    const turns = turnsOf([plain, limited]);
    assert.deepEqual(await turns.claim(room([plain], 1)), []);
    await turns.takeStrayKeys();
    assert.equal((await turns.claim(room([plain], 1)))[0]?.type, 'plain');
    assert.equal((await turns.claim(room([limited], 1)))[0]?.concurrency_key, 'a');
  });

  function turnsOf(
    types: RunnableType[],
    database: Queryable = pool,
    positions = new ClaimPositions(NEVER_SLOW),
  ): ClaimTurns {
    const parts = { runnerId: runner, database, types };
    return new ClaimTurns(parts, { keysWanted() {}, roomIn() {} }, positions);
  }

  function room(types: readonly RunnableType[], places: number) {
    const wanted = types.map(({ name, kind }) => ({
      type: name,
      free: places,
      quick: false,
      tick: kind === 'periodic',
    }));
    return { wanted, most: places, mostSlow: places };
  }

  async function claimSome(
    turns: ClaimTurns,
    types: readonly RunnableType[],
    places: number,
  ): Promise<string[]> {
    return (await turns.claim(room(types, places))).map(({ id }) => id);
  }

  async function queue(
    type: string,
    tasks: readonly { priority: number; ageSeconds: number }[],
  ): Promise<string[]> {
    const { rows } = await pool.query<{ id: string }>(
      `insert into tasks (type, status, priority, run_at)
       select $1, 'queued', t.priority, now() - make_interval(secs => t."ageSeconds")
       from jsonb_to_recordset($2::jsonb) as t(priority int2, "ageSeconds" float8)
       returning id`,
      [type, JSON.stringify(tasks)],
    );
    return rows.map(({ id }) => id);
  }
});

/** Whatever the machine is like: all claims are from the front. */
const NEVER_SLOW = Number.POSITIVE_INFINITY;

const AGE_OF_NEW = fc.integer({ min: 0, max: 15 });
const AGE_OF_OLD = fc.integer({ min: 31, max: 100_000 });

const LIMITS: Limits = { maxConcurrent: 1_000_000, maxConcurrentPerKey: null, rate: null };

function databaseType(name: string, limits: Limits | null): RunnableType {
  return { ...periodicType(name), kind: 'database', schedule: null, limits };
}

const plain = databaseType('plain', null);
const limited = databaseType('limited', LIMITS);
const other = databaseType('other', { ...LIMITS, rate: { count: 1_000_000, perSeconds: 1, keyed: false } });
