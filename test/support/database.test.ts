import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { json } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { createTestDatabase } from './database.ts';

test('test databases are new, apart from each other, and gone when dropped', async () => {
  const [one, two] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  after(() => Promise.all([one.drop(), two.drop()]));
  await one.pool().query('create table only_here (id int)');
  assert.equal(one.pool(), one.pool());
  await assert.rejects(two.pool().query('select from only_here'), { code: '42P01' });

  // Somebody is still connected, as a thread that was killed would be.
  const forgotten = new pg.Client({ connectionString: one.url });
  forgotten.on('error', () => {});
  await forgotten.connect();
  await one.drop();
  await assert.rejects(new pg.Client({ connectionString: one.url }).connect(), { code: '3D000' });
});

test('a file that is run by itself gets a server of its own, which ends with it', async () => {
  const { HEDDLE_TEST_DATABASE_URL: _, ...env } = process.env;
  const script = `
    const { createTestDatabase } = await import(${JSON.stringify(new URL('database.js', import.meta.url).href)});
    const database = await createTestDatabase();
    const { rows } = await database.pool().query("select current_setting('data_directory') as folder");
    console.log(JSON.stringify({ url: database.url, ...rows[0] }));
    process.exit(0);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = await Promise.all([json(child.stdout), once(child, 'exit')]);
  const { url, folder } = said as { url: string; folder: string };
  await assert.rejects(new pg.Client({ connectionString: url }).connect(), { code: 'ECONNREFUSED' });
  assert.equal(existsSync(dirname(folder)), false);
});
