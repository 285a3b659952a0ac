import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrateUp } from '../../../../src/main/migrate/apply.ts';
import { migrationsDirectory, readMigrations } from '../../../../src/main/migrate/files.ts';
import { migrateDown } from '../../../../src/main/migrate/rollback.ts';
import { migrationBench } from '../../../support/migration-bench.ts';

test('ai_versions tells which schema there is, after each way up and down, and keeps what Agno wrote', async (t) => {
  const { url, pool } = await migrationBench(t);
  const options = { url, observe: () => {} };
  const ids = (await readMigrations(migrationsDirectory)).map(({ id }) => id);
  const versions = async () => {
    const { rows } = await pool.query('select table_name, version from ai_versions order by table_name');
    return Object.fromEntries(rows.map(({ table_name, version }) => [table_name, version]));
  };
  const agno = { ai_memories: '2.5.6', ai_metrics: '2.5.6', ai_sessions: '2.5.6' };

  await migrateUp({ ...options, to: ids[1] as string });
  assert.deepEqual(await versions(), { ...agno, ai_migrations: ids[1] });
  await pool.query("update ai_versions set version = '2.9.0' where table_name = 'ai_sessions'");
  await migrateUp(options);
  assert.deepEqual(await versions(), { ...agno, ai_sessions: '2.9.0', ai_migrations: ids.at(-1) });
  await migrateDown({ ...options, count: 1 });
  assert.equal((await versions()).ai_migrations, ids.at(-2));
  await migrateDown({ ...options, count: ids.length });
  assert.deepEqual((await pool.query("select to_regclass('ai_versions') as there")).rows, [{ there: null }]);
});
