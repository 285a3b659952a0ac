import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../../src/main/package-root.ts';

/*
 * Where tools for migrations have failed their users, and the tests that show what Heddle does there. Files are named
 * from test/, tests by how their names begin.
 */
const CASES: [what: string, file: string, ...tests: string[]][] = [
  ['1 three pairs on an empty database, twice', 'main/migrate/apply', 'all pending migrations are applied'],
  ['2 back and forth again', 'main/migrate/rollback', 'rolled back and applied again'],
  ['3 back over more than there is', 'main/migrate/rollback', 'asked for more than there is'],
  ['4 numbers that make no sense', 'main/migrate/rollback', 'a number that makes no sense'],
  ['5 an error in the middle of a file', 'main/migrate/apply', 'a failed file leaves nothing'],
  ['6 an error in the second of three files', 'main/migrate/apply', 'a failed file leaves nothing'],
  ['7 kill -9 in a transaction', 'main/migrate/crash', 'killed in the middle of a file, nothing'],
  ['8 kill -9 without one', 'main/migrate/crash', 'killed in the middle of a file without a transaction'],
  ['9 five at once', 'main/migrate/apply', 'five processes at once'],
  ['10 CONCURRENTLY beside others that wait', 'main/migrate/apply', 'processes that wait for the lock'],
  ['11 a lock that is not free', 'main/migrate/connection', 'a lock that is not free in time'],
  ['12 an applied UP that was edited', 'main/migrate/apply', 'an applied UP that was edited'],
  ['12 … seen by its status', 'main/migrate/status', 'every state is told'],
  ['12 … accepted', 'main/migrate/repair', 'edited files are accepted'],
  ['12 … at a start', 'flow/migrations', 'a runner does not start on a database whose migration was edited'],
  ['13 line ends and BOM of an applied UP', 'main/migrate/apply', 'an applied UP that was edited'],
  ['14 BOM and CRLF around a function', 'main/migrate/apply', 'a function in a file with BOM and CRLF'],
  ['15 bytes that are not UTF-8', 'main/migrate/files', 'a byte that is not UTF-8'],
  [
    '16 semicolons that end nothing',
    'main/migrate/statements',
    'a semicolon ends a statement only',
    'any pieces of SQL',
  ],
  [
    '16 … on the server',
    'main/migrate/apply',
    'semicolons in strings',
    'a file without a transaction is split',
  ],
  [
    '17 COMMIT, psql, COPY through the client',
    'main/migrate/statements',
    'what begins or ends a transaction',
    'a command of psql',
    'COPY through the client',
  ],
  ['17 … keep everything from running', 'main/migrate/apply', 'a fault in any file keeps every file'],
  ['17 NUL', 'main/migrate/files', 'a byte that is not UTF-8 and a NUL'],
  ['18 CONCURRENTLY without the directive', 'main/migrate/statements', 'what cannot run in a transaction'],
  ['18 … and two with it', 'main/migrate/apply', 'a file without a transaction is split rightly'],
  [
    '19 a unique index that failed concurrently',
    'main/migrate/apply',
    'a unique index that failed concurrently',
  ],
  ['20 halves and empty files', 'main/migrate/files', 'a half of a pair', 'files without a statement'],
  ['20 irreversible', 'main/migrate/rollback', 'an irreversible migration refuses'],
  [
    '21 names',
    'main/migrate/files',
    'every bad name is reported',
    'two migrations of one second',
    'pairs come in',
  ],
  ['22 an older one turns up late', 'main/migrate/apply', 'an older migration that turns up late'],
  ['22 … seen by its status', 'main/migrate/status', 'a pending one that is older'],
  ['23 applied files that are gone', 'main/migrate/apply', 'an applied migration without its files'],
  ['23 … undone', 'main/migrate/rollback', 'without its files a migration is undone'],
  ['24 a large file (20 MB: bench/migrate.ts)', 'main/migrate/large', 'a file too large to be parsed'],
  ['25 a table locked by a reader', 'main/migrate/apply', 'behind an open reader'],
  [
    '26 a database that is not up, a wrong password, a wrong name',
    'main/migrate/connection',
    'a database that comes up a little later',
    'a database that does not come up',
    'a wrong password and a wrong database',
  ],
  [
    '27 few rights, a lost ledger',
    'main/migrate/connection',
    'a role that may only read',
    'when the table of the ledger is lost',
  ],
  ['27 an older ledger', 'main/migrate/ledger-table', 'a ledger of an older layout', 'a table of that name'],
  ['28 dry runs', 'main/migrate/status', 'a dry run prints the SQL'],
  ['29 the status', 'main/migrate/status', 'every state is told', 'a file that failed', '--exit-code is 10'],
  [
    '30 names and ids of new pairs',
    'main/migrate/generate/name',
    'a name is accepted exactly',
    'an id is behind all others',
    'pairs that are made in one second',
  ],
  ['30 … are never overwritten', 'main/migrate/generate/write-new', 'a file that is there is never'],
  ['31 a change becomes a pair', 'main/migrate/generate/generate', 'a change of the schema becomes a pair'],
  ['32 renames of all kinds at once', 'main/migrate/generate/renames', 'a table, a column in it and an enum'],
  [
    '33 a bare drizzle-kit generate',
    'main/migrate/generate/adopt',
    'the folder of a bare drizzle-kit generate',
  ],
  ['34 an edited UP', 'main/migrate/generate/check', 'an edited UP that makes another schema'],
  [
    '35 two branches',
    'main/migrate/generate/check',
    'two branches that change different columns',
    'two branches that change the same thing',
  ],
  ['36 a DOWN that does not restore', 'main/migrate/generate/check', 'a DOWN that forgets an index'],
  ['36 … of a new pair', 'main/migrate/generate/refusal', 'a DOWN that drizzle-kit cannot make right'],
  [
    '37 rows to prove with',
    'main/migrate/generate/refusal',
    'a pair that fails on rows',
    'a value of an enum that rows have',
    'a type that rows do not fit into',
  ],
  [
    '38 a runner starts',
    'flow/migrations',
    'an API on an empty database',
    'a runner brings the tables of the agents first',
    'a runner starts on a database that is newer',
    'a runner does not start on a database whose migration did not run to its end',
  ],
  ['39 functions and triggers', 'main/migrate/generate/check', 'what only hand-written SQL can make'],
  ['40 a thousand pairs at a start', 'main/migrate/ledger-table', 'a thousand applied pairs are checked'],
];

test('every case has its tests', async () => {
  for (const [what, file, ...beginnings] of CASES) {
    const source = await readFile(join(packageRoot, 'test', `${file}.test.ts`), 'utf8');
    for (const beginning of beginnings)
      assert.ok(
        source.includes(`test('${beginning}`) || source.includes(`test("${beginning}`),
        `${what}: there is no test "${beginning} …" in ${file}.test.ts`,
      );
  }
  const numbers = new Set(CASES.map(([what]) => Number.parseInt(what, 10)));
  assert.deepEqual(
    [...numbers],
    Array.from({ length: 40 }, (_, at) => at + 1),
  );
});
