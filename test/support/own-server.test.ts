import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { OwnServer } from './own-server.ts';

let server: OwnServer;
before(async () => {
  server = await OwnServer.start();
  await query('create table kept (at timestamptz default now())');
});
after(() => server.remove());

test('what was committed survives a stop and a crash, at the same address', async () => {
  await query('insert into kept default values');
  await server.stop();
  await assert.rejects(query('select 1'), { code: 'ECONNREFUSED' });
  await server.start();
  await query('insert into kept default values');
  await server.crash();
  await assert.rejects(query('select 1'), { code: 'ECONNREFUSED' });
  await server.start();
  assert.deepEqual(await query('select count(*)::int from kept'), [{ count: 2 }]);
});

test('frozen, it answers nobody; thawed, it answers who has waited', async () => {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await server.freeze();
  let answered = false;
  const answer = client.query('select 1').then(() => {
    answered = true;
  });
  await assert.rejects(query('select 1', 200), /timeout/);
  assert.equal(answered, false);
  await server.thaw();
  await answer;
  await client.end();
});

async function query(statement: string, connectWithinMs = 5000): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: server.url, connectionTimeoutMillis: connectWithinMs });
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.query(statement)).rows as unknown[];
  } finally {
    await client.end();
  }
}
