import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type pg from 'pg';
import { connect, disconnect, ENGINE_SETTINGS } from '../../../src/main/database/connect.ts';
import { CLAIM, CLAIM_AHEAD, CLAIM_BY_AGE } from '../../../src/main/engine/sql/claim.ts';
import { FIND_DUE, TAKE_KEYS } from '../../../src/main/engine/sql/limits.ts';
import {
  KEEP_LOG,
  KEEP_LOG_UNLOCKED,
  SETTLE,
  SETTLE_COMPLETED,
  SETTLE_UNLOCKED,
} from '../../../src/main/engine/sql/settle.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

/* Connections keep the plan that they made when there were no tasks, until a statistic or an index changes. */

const STATEMENTS = {
  CLAIM: [CLAIM, 'uuid, jsonb, int, int'],
  CLAIM_AHEAD: [CLAIM_AHEAD, 'uuid, jsonb, int, int'],
  CLAIM_BY_AGE: [CLAIM_BY_AGE, 'uuid, jsonb, int, int'],
  FIND_DUE: [FIND_DUE, 'jsonb'],
  SETTLE: [SETTLE, 'jsonb'],
  SETTLE_UNLOCKED: [SETTLE_UNLOCKED, 'jsonb'],
  SETTLE_COMPLETED: [SETTLE_COMPLETED, 'uuid[], int8[], int4[], text[], float8[], float8[], int4[]'],
  KEEP_LOG: [KEEP_LOG, 'jsonb'],
  KEEP_LOG_UNLOCKED: [KEEP_LOG_UNLOCKED, 'jsonb'],
} as const;

describe('planned when there are no tasks, and kept when there are many,', () => {
  let database: TestDatabase;
  let client: pg.PoolClient;
  before(async () => {
    database = await createTestDatabase();
    client = await database.pool().connect();
    await client.query('set plan_cache_mode = force_generic_plan');
  });
  after(async () => {
    client.release();
    await database.drop();
  });

  for (const [name, [text, types]] of Object.entries(STATEMENTS)) {
    it(`${name} looks tasks up in an index, and does not read the table`, async () => {
      await client.query(`prepare ${name}(${types}) as ${text}`);
      const nulls = types.split(',').map(() => 'null');
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain execute ${name}(${nulls})`);
      const scans = rows.map((row) => row['QUERY PLAN']).filter((line) => /Scan .*\btasks\b/.test(line));
      assert.ok(scans.length > 0);
      for (const scan of scans) assert.match(scan, /Index (Only )?Scan using/);
    });
  }
});

describe('planned when little was queued, and kept when much is,', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let client: pg.PoolClient;
  before(async () => {
    database = await createTestDatabase();
    await database.pool().query(FINISHED);
    await database.pool().query('vacuum analyze tasks');
    pool = connect(database.url, 'test', () => {}, { settings: ENGINE_SETTINGS });
    client = await pool.connect();
    await client.query('set plan_cache_mode = force_generic_plan');
  });
  after(async () => {
    client.release();
    await disconnect(pool);
    await database.drop();
  });

  for (const name of ['CLAIM', 'CLAIM_AHEAD'] as const) {
    it(`${name} reads what is queued in its order, and does not sort all of it`, async () => {
      const [text, types] = STATEMENTS[name];
      await client.query(`prepare ${name}(${types}) as ${text}`);
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(
        `explain execute ${name}(null, null, null, null)`,
      );
      const lines = rows.map((row) => row['QUERY PLAN']);
      const locks = lines.flatMap((line, at) => (/LockRows/.test(line) ? [at] : []));
      assert.ok(locks.length > 0);
      for (const at of locks)
        assert.match(lines.slice(at + 1, at + 4).join(), /Index Scan using tasks_ready /);
    });
  }

  it('TAKE_KEYS looks where tasks with keys are, and at no others', async () => {
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${TAKE_KEYS}`, [['any']]);
    const lines = rows.map((row) => row['QUERY PLAN']).join('\n');
    assert.match(lines, /Index (Only )?Scan using tasks_ready_keyed /);
  });
});

const FINISHED = `
insert into tasks (type, status, started_at, finished_at)
select 'any', 'completed', now(), now() from generate_series(1, 50000)`;
