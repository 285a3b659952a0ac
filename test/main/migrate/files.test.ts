import assert from 'node:assert/strict';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { MigrationError } from '../../../src/main/migrate/error.ts';
import { readMigrations } from '../../../src/main/migrate/files.ts';
import { readyPairs } from '../../../src/main/migrate/ready.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

async function folder(t: TestContext, files: Record<string, string | Uint8Array>): Promise<string> {
  const directory = await temporaryDirectory();
  t.after(() => rm(directory, { recursive: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content);
  return directory;
}

async function faultsOf(directory: string): Promise<readonly string[]> {
  const error = await readMigrations(directory).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof MigrationError, 'the folder was accepted');
  assert.equal(error.exitCode, 3);
  return error.faults;
}

const pair = (id: string, up = 'select 1;', down = 'select 2;') => ({
  [`${id}_UP.sql`]: up,
  [`${id}_DOWN.sql`]: down,
});

test('pairs come in chronological order; README and dotfiles are left alone', async (t) => {
  const directory = await folder(t, {
    ...pair('20260201000000_b'),
    ...pair('20260101235959_a'),
    'README.md': 'x',
    '.keep': '',
  });
  const ids = (await readMigrations(directory)).map(({ id }) => id);
  assert.deepEqual(ids, ['20260101235959_a', '20260201000000_b']);
});

test('every bad name is reported at once', async (t) => {
  const bad = [
    '2026_x_UP.sql',
    '2026010100000_x_UP.sql',
    '202601010000000_x_UP.sql',
    '20261301000000_x_UP.sql',
    '20260231000000_x_UP.sql',
    '20260101240000_x_UP.sql',
    '20260101000000_Upper_UP.sql',
    '20260101000000_a b_UP.sql',
    '20260101000000_x_up.sql',
    '20260101000000_UP.sql',
    `20260101000000_${'x'.repeat(64)}_UP.sql`,
    'notes.txt',
  ];
  const directory = await folder(t, Object.fromEntries(bad.map((name) => [name, 'select 1;'])));
  await mkdir(join(directory, '20260101000000_folder_UP.sql'));
  await symlink(join(directory, 'notes.txt'), join(directory, '20260101000000_link_UP.sql'));
  const faults = await faultsOf(directory);
  const expected = [...bad, '20260101000000_folder_UP.sql', '20260101000000_link_UP.sql'];
  assert.deepEqual(new Set(faults.map((fault) => fault.split(':')[0])), new Set(expected));
});

test('two migrations of one second are refused: nobody could tell their order', async (t) => {
  const directory = await folder(t, { ...pair('20260101000000_a'), ...pair('20260101000000_b') });
  assert.match(
    (await faultsOf(directory)).join(),
    /^2026\S+: it has the same time as 2026\S+: rename the files of one of them, and/,
  );
});

test('a half of a pair is refused', async (t) => {
  const directory = await folder(t, {
    '20260101000000_a_UP.sql': 'select 1;',
    '20260102000000_b_DOWN.sql': 'select 1;',
  });
  assert.deepEqual(await faultsOf(directory), [
    '20260101000000_a_DOWN.sql: it is missing, and 20260101000000_a_UP.sql is there: a migration needs both',
    '20260102000000_b_UP.sql: it is missing, and 20260102000000_b_DOWN.sql is there: a migration needs both',
  ]);
});

test('files without a statement are refused, all of them at once, when they are to run', async (t) => {
  const directory = await folder(t, {
    ...pair('20260103000000_c', '', '-- only a comment'),
    ...pair('20260104000000_d', ' ;; /* nothing */ ', '\n'),
    ...pair('20260105000000_e', 'select 1;', '-- heddle:irreversible it is gone'),
  });
  await assert.rejects(readyPairs(await readMigrations(directory)), {
    exitCode: 3,
    faults: ['c_UP', 'c_DOWN', 'd_UP', 'd_DOWN'].map(
      (name) =>
        `2026010${name < 'd' ? 3 : 4}000000_${name}.sql:1: there is no statement in it: write one; a DOWN may instead say -- heddle:irreversible REASON`,
    ),
  });
});

test('directives are read from the first lines, and a wrong one is refused', async (t) => {
  const directory = await folder(t, {
    ...pair(
      '20260101000000_a',
      '-- why\n\n-- heddle:no-transaction\nselect 1;',
      '-- heddle:irreversible it is gone',
    ),
    ...pair('20260102000000_b', 'select 1;\n-- heddle:no-transaction'),
  });
  const [a, b] = await readMigrations(directory);
  assert.deepEqual([a?.up.transactional, a?.down.irreversible], [false, 'it is gone']);
  assert.equal(b?.up.transactional, true);

  const wrong = await folder(t, {
    ...pair('20260101000000_a', '-- heddle:irreversible x\nselect 1;', '-- heddle:irreversible'),
    ...pair('20260102000000_b', '-- x\n-- heddle:notransaction\nselect 1;'),
  });
  assert.deepEqual(await faultsOf(wrong), [
    '20260101000000_a_DOWN.sql:1: heddle:irreversible needs its reason behind it',
    '20260101000000_a_UP.sql:1: heddle:irreversible belongs into the DOWN file',
    '20260102000000_b_UP.sql:2: heddle:notransaction is not known; there are heddle:no-transaction and heddle:irreversible REASON',
  ]);
});

test('a byte that is not UTF-8 and a NUL are refused with their place', async (t) => {
  const directory = await folder(t, {
    ...pair('20260101000000_a', "select 1;\nselect 'a\0b';"),
    ...pair('20260102000000_b'),
    '20260102000000_b_UP.sql': Buffer.from("-- why\nselect 'caf\xe9';", 'latin1'),
  });
  assert.deepEqual(await faultsOf(directory), [
    '20260101000000_a_UP.sql:2: a NUL character cannot be sent to PostgreSQL: take it out',
    '20260102000000_b_UP.sql:2: byte 18 of the file (counted from 0) is not UTF-8: save it as UTF-8',
  ]);
});

test('BOM, CRLF and newlines at the end do not change the checksum', async (t) => {
  const unix = await folder(t, pair('20260101000000_a', 'select 1;\nselect 2;\n'));
  const windows = await folder(t, pair('20260101000000_a', '\ufeffselect 1;\r\nselect 2;\r\n\r\n'));
  const [[a], [b]] = [await readMigrations(unix), await readMigrations(windows)];
  assert.equal(a?.up.checksum, b?.up.checksum);
  assert.equal(b?.up.sql, 'select 1;\nselect 2;');
});

test('a folder that is not there is said plainly', async () => {
  const [fault] = await faultsOf('/nowhere/at/all');
  assert.match(fault ?? '', /the folder of the migrations cannot be read: ENOENT/);
});
