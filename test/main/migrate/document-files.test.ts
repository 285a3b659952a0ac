import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listMigrations, migrationsDirectory } from '../../../src/main/migrate/files.ts';
import { createTestDatabase } from '../../support/database.ts';
import { runMigrate } from '../../support/migration-bench.ts';
import { storedDocument } from '../../support/stored-document.ts';

test('documents keep their bytes forth and back; what no document has claimed goes', async (t) => {
  const database = await createTestDatabase();
  t.after(() => database.drop());
  const pool = database.pool();
  const file = Buffer.from('%PDF-1.7 and so on');
  const id = await storedDocument(pool, file);
  await pool.query('insert into document_files default values');
  await pool.query(
    `insert into document_pieces (file_id, piece, bytes) select id, 7, 'x' from document_files`,
  );

  const ids = await listMigrations(migrationsDirectory);
  const count = ids.length - ids.findIndex((name) => name.endsWith('_document_files'));
  const back = await runMigrate(database.url, '--rollback', '-n', `${count}`);
  assert.equal(back.code, 0, back.stderr);
  const before = await pool.query('select document_id, piece, bytes from document_pieces order by piece');
  assert.deepEqual(before.rows, [
    { document_id: id, piece: 0, bytes: file },
    { document_id: id, piece: 7, bytes: Buffer.from('x') },
  ]);

  const forth = await runMigrate(database.url, '--up');
  assert.equal(forth.code, 0, forth.stderr);
  const { rows } = await pool.query(
    'select f.document_id, p.bytes from document_pieces p join document_files f on f.id = p.file_id where piece = 0',
  );
  assert.deepEqual(rows, [{ document_id: id, bytes: file }]);
});
