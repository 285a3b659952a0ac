import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { listMigrations, migrationsDirectory } from '../../../src/main/migrate/files.ts';
import { createTestDatabase } from '../../support/database.ts';
import { migrationBench, runMigrate } from '../../support/migration-bench.ts';

/** Goes back until the facts cannot be searched any more. */
async function rollBack(url: string): Promise<void> {
  const ids = await listMigrations(migrationsDirectory);
  const count = ids.length - ids.findIndex((id) => id.endsWith('_fact_search'));
  const { code, stderr } = await runMigrate(url, '--rollback', '-n', `${count}`);
  assert.equal(code, 0, stderr);
}

async function migrated(t: TestContext) {
  const database = await createTestDatabase();
  t.after(() => database.drop());
  return { url: database.url, pool: database.pool() };
}

const EXTENSION = "select from pg_extension where extname = 'pg_trgm'";

test('going back takes the extension along, and forth again finds the facts that were kept meanwhile', async (t) => {
  const { url, pool } = await migrated(t);
  await rollBack(url);
  assert.equal((await pool.query(EXTENSION)).rowCount, 0);
  await pool.query(`insert into facts (text, meta_data) values ('Kept Meanwhile', '{"By":"Hand"}')`);
  assert.equal((await runMigrate(url, '--up')).code, 0);
  const { rows } = await pool.query('select words::text, searchable from facts');
  assert.deepEqual(rows, [{ words: "'kept':1 'meanwhil':2", searchable: 'kept meanwhile\n{"by": "hand"}' }]);
});

test('going back leaves the extension to others that use it', async (t) => {
  const { url, pool } = await migrated(t);
  await pool.query('create table theirs (name text)');
  await pool.query('create index on theirs using gin (name gin_trgm_ops)');
  await rollBack(url);
  assert.equal((await pool.query(EXTENSION)).rowCount, 1);
});

test('where the extension may not be made, the migration says so', async (t) => {
  const bench = await migrationBench(t);
  const role = `no_rights_${process.pid}`;
  await bench.pool.query(`create role ${role} login password '${role}'`);
  await bench.pool.query(`alter schema public owner to ${role}`);
  try {
    const url = new URL(bench.url);
    url.username = role;
    url.password = role;
    const { code, stderr } = await runMigrate(url.href, '--up');
    assert.equal(code, 1);
    assert.match(
      stderr,
      /_fact_search_UP\.sql:\d+: permission denied to create extension "pg_trgm" \(42501\)/,
    );
  } finally {
    await bench.pool.query(`drop owned by ${role}`);
    await bench.pool.query(`drop role ${role}`);
  }
});
