import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UPKEEP } from '../../../../src/main/database/statistics/sql.ts';
import { createTestDatabase } from '../../../support/database.ts';

test('the oldest transaction is no younger than nothing, also when it began after the one that asks', async () => {
  const database = await createTestDatabase();
  const [asks, other] = [await database.pool().connect(), await database.pool().connect()];
  try {
    const age = async () => (await asks.query(UPKEEP)).rows[0].oldest_transaction_age_seconds;
    assert.equal(await age(), 0, 'there is none');
    await asks.query('begin');
    await other.query('begin');
    await other.query('select 1');
    assert.equal(await age(), 0);
    await asks.query('commit');
    assert.ok((await age()) > 0);
  } finally {
    for (const client of [asks, other]) client.release(true);
    await database.drop();
  }
});
