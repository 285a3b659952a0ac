import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, beforeEach, test } from 'node:test';
import { pino } from 'pino';
import verify from '../../src/tasks/verify-documents.ts';
import type { PeriodicContext } from '../../src/workers/define-task.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { storedDocument } from '../support/stored-document.ts';

let database: TestDatabase | undefined;
beforeEach(async () => {
  await database?.drop();
  database = await createTestDatabase();
});
after(() => database?.drop());

const query = async (text: string, values: unknown[] = []) =>
  (await (database as TestDatabase).pool().query(text, values)).rows;

/** A document of some pieces that came in so many days ago. */
async function store(daysAgo: number): Promise<string> {
  const id = await storedDocument((database as TestDatabase).pool(), randomBytes(2_500_000));
  await query(
    'update document_files set created_at = now() - make_interval(days => $2) where document_id = $1',
    [id, daysAgo],
  );
  return id;
}

async function run(): Promise<unknown> {
  return verify.run({
    database: (database as TestDatabase).pool(),
    log: pino({ enabled: false }),
    progress: async () => {},
    signal: new AbortController().signal,
  } as unknown as PeriodicContext);
}

test('files are read again a week after they came in, and not sooner', async () => {
  await store(8);
  await store(6);
  assert.deepEqual(await run(), { verified: 1 });
  assert.deepEqual(await run(), { verified: 0 });
  await query(
    "update document_files set verified_at = now() - interval '8 days' where verified_at is not null",
  );
  assert.deepEqual(await run(), { verified: 1 });
});

test('a file that is no longer what came in fails the tick with the name of its document, each time, and no other file', async () => {
  const whole = await store(10);
  for (const change of [
    `update document_pieces set bytes = set_byte(bytes, 7, 255 - get_byte(bytes, 7)) where piece = 1 and file_id = $1`,
    'delete from document_pieces where piece = 2 and file_id = $1',
  ]) {
    const id = await store(9);
    const [file] = await query('select id from document_files where document_id = $1', [id]);
    await query(change, [file.id]);
    for (const _ of [1, 2]) await assert.rejects(run(), new RegExp(`not what was uploaded: ${id}\\.`));
    await query('delete from documents where id = $1', [id]);
  }
  const verified = await query('select document_id from document_files where verified_at is not null');
  assert.deepEqual(verified, [{ document_id: whole }]);
});
