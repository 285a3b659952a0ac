import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type pg from 'pg';
import { connect, disconnect, onClient, transaction } from '../../../src/main/database/connect.ts';
import { isAway } from '../../../src/main/database/errors.ts';
import { type AbruptServer, startAbruptServer } from '../../support/abrupt-server.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

/* An error that nobody listens to would end this process, and with it this file. */

describe('a connection that is ended in the packet in which it is made', () => {
  let server: AbruptServer;
  let pool: pg.Pool;
  before(async () => {
    server = await startAbruptServer();
    pool = connect(server.url, 'test', () => {});
  });
  after(async () => {
    await disconnect(pool);
    await server.stop();
  });

  const uses: [string, () => Promise<unknown>][] = [
    ['a statement', () => pool.query('select 1')],
    ['a borrower', () => onClient(pool, (client) => client.query('select 1'))],
    ['a transaction', () => transaction(pool, (client) => client.query('select 1'))],
  ];
  for (const [who, use] of uses)
    it(`fails ${who} as one whose database is away, and nobody else`, () => assert.rejects(use, isAway));
});

describe('a connection of a pool', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
    await database.pool().query(`alter database ${new URL(database.url).pathname.slice(1)} set jit = on`);
  });
  after(() => database.drop());

  it('has no statement compiled, whatever the database says', async () => {
    const pool = connect(database.url, 'test', () => {});
    try {
      assert.deepEqual((await pool.query('show jit')).rows, [{ jit: 'off' }]);
    } finally {
      await disconnect(pool);
    }
  });
});
