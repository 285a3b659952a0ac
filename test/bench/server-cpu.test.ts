import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import pg from 'pg';
import { TELLS_CPU } from '../../bench/support/process-cpu.ts';
import { ServerCpu } from '../../bench/support/server-cpu.ts';
import { createTestDatabase } from '../support/database.ts';
import { waitFor } from '../support/wait-for.ts';

const BURN = 'select count(md5(i::text)) from generate_series(1, 400000) i';

test('what a connection has used still counts when it has ended', { skip: !TELLS_CPU }, async () => {
  const database = await createTestDatabase();
  after(() => database.drop());
  const cpu = await ServerCpu.of(database.url);
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const before = cpu.ms();
  await client.query(BURN);
  const burnt = cpu.ms() - before;
  assert.ok(burnt > 20, `burnt ${burnt} ms`);

  const ended = client.end();
  const looks: number[] = [];
  const isGone = async () => {
    looks.push(cpu.ms() - before);
    const found = await database.pool().query('select from pg_stat_activity where pid = $1', [rows[0]?.pid]);
    return found.rowCount === 0;
  };
  await waitFor('the connection to end', isGone);
  await ended;
  looks.push(cpu.ms() - before);
  // A process that has ended is counted in hundredths, and by another clock than one that lives.
  for (const look of looks) assert.ok(look > 0.7 * burnt, `${look} of ${burnt} ms are still counted`);
});
