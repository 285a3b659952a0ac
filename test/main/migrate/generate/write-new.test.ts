import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeNew } from '../../../../src/main/migrate/generate/write-new.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

test('a file that is there is never overwritten, and what was written beside it is taken away', async (t) => {
  const folder = await temporaryDirectory();
  t.after(() => rm(folder, { recursive: true }));
  const [one, other] = [join(folder, 'one.sql'), join(folder, 'other.sql')];
  await writeFile(other, 'mine');
  const files = [
    { path: one, text: 'new' },
    { path: other, text: 'new' },
  ];
  await assert.rejects(writeNew(files), {
    exitCode: 3,
    message: `${other}: it is there already, and is not overwritten`,
  });
  assert.deepEqual(await readdir(folder), ['other.sql']);
  assert.equal(await readFile(other, 'utf8'), 'mine');
});

test('of several that write one file, one does', async (t) => {
  const folder = await temporaryDirectory();
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'one.sql');
  const texts = ['a', 'b', 'c', 'd'];
  const done = await Promise.allSettled(texts.map((text) => writeNew([{ path, text }])));
  const winners = texts.filter((_, at) => done[at]?.status === 'fulfilled');
  assert.deepEqual([await readFile(path, 'utf8')], winners);
  assert.deepEqual(await readdir(folder), ['one.sql']);
});
